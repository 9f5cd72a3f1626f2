
# Asks whether others can rely on the host. The first command or address that does not pass decides, and
# is the last line.
for fw_command in "$FW_COMMAND_1" "$FW_COMMAND_2" "$FW_COMMAND_3" "$FW_COMMAND_4"; do
    [ -n "$fw_command" ] || continue
    (
        set +uf
        eval "$fw_command"
    ) </dev/null
    fw_exit=$?
    if [ "$fw_exit" -ne 0 ]; then
        printf 'probe: exit code %s of %s\n' "$fw_exit" "$fw_command"
        exit 1
    fi
done
for fw_url in $FW_HEALTH; do
    fw_status=$(http_status "$fw_url")
    case $fw_status in
    2?? | 3??) ;;
    *)
        printf 'probe: %s from %s\n' "$fw_status" "$fw_url"
        exit 1
        ;;
    esac
done
printf 'probe: passed\n'
