
# Reboots at most once: FW_EXPECT maps instance ids to the boot each was last seen in.
# Exit status 194 asks the agent to reboot and to run all of this again from the top.
refuse() {
    say result refused
    say reason "$1"
    finish reboot
    exit 0
}

now=$(boot_id)
say boot_id "$now"
say run "$FW_RUN"
expected=''
for entry in $FW_EXPECT; do
    [ "${entry%%=*}" != "${AWS_SSM_INSTANCE_ID:-none}" ] || expected=${entry#*=}
done
[ -n "$now" ] || refuse no-boot-id
[ -n "$expected" ] || refuse not-expected-here
say before "$expected"

if [ "$now" != "$expected" ]; then
    say result rebooted
    finish reboot
    exit 0
fi

marker=/run/fleetwright-reboot
if [ "$(cat "$marker" 2>/dev/null)" = "$now" ]; then
    # Asked for already in this boot: whoever asked is waiting for it, and a second time would be two.
    say result pending
    finish reboot
    exit 0
fi

case $FW_STRATEGY in
force) need=yes evidence=force ;;
conditional) pending_reboot ;;
*) refuse unknown-strategy ;;
esac
say need "$need"
say evidence "$evidence"
if [ "$need" = no ]; then
    say result not_needed
    finish reboot
    exit 0
fi

# "Unknown" counts as needed. Without the marker nothing would stop a second reboot: no marker, no reboot.
{ printf '%s\n' "$now" >"$marker"; } 2>/dev/null
[ "$(cat "$marker" 2>/dev/null)" = "$now" ] || refuse no-marker
say result rebooting
finish reboot
exit 194
