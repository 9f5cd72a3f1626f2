
# The newest bootable kernel of the same flavour (aws, cloud-amd64, el9.x86_64 ...) as kernel $1.
newest_kernel() {
    flavour=$(kernel_flavour "$1")
    {
        printf '%s\n' "$1"
        ls /boot 2>/dev/null | sed -n 's/^vmlinuz-//p' | while read -r kernel; do
            [ "$(kernel_flavour "$kernel")" != "$flavour" ] || printf '%s\n' "$kernel"
        done
    } | sort -V 2>/dev/null | tail -n 1
}

kernel_flavour() {
    printf '%s\n' "$1" | sed 's/^[0-9.-]*//; s/_[0-9]*\././'
}

# needs-restarting ends with 1 both for "reboot" and for its own failures: only its words decide.
ask_needs_restarting() {
    words=$(within 30 "$@" 2>/dev/null)
    case $?/$words in
    */*'Reboot is required'*) need=yes evidence=needs-restarting ;;
    0/*) need=no evidence=needs-restarting ;;
    *) need=unknown evidence=needs-restarting-failed ;;
    esac
}

# Sets need (yes, no, unknown) and evidence (what says so).
pending_reboot() {
    need=unknown evidence=none
    kernel_now=$(uname -r)
    kernel_next=$(newest_kernel "$kernel_now")
    if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
        need=yes evidence=reboot-required-file
    elif [ -n "$kernel_next" ] && [ "$kernel_next" != "$kernel_now" ]; then
        need=yes evidence="newer-kernel $kernel_next"
    elif have needs-restarting; then
        ask_needs_restarting needs-restarting -r
    elif have dnf; then
        ask_needs_restarting dnf -C needs-restarting -r
    elif have zypper; then
        within 30 zypper --non-interactive needs-rebooting >/dev/null 2>&1
        case $? in
        0) need=no evidence=zypper ;;
        102) need=yes evidence=zypper ;;
        *) need=unknown evidence=zypper-failed ;;
        esac
    elif [ -e /usr/share/update-notifier/notify-reboot-required ]; then
        # Only a host that would leave the file can say "no" by not having it.
        need=no evidence=no-reboot-required-file
    fi
}
