# Every script begins with this: how an answer is written. POSIX sh; nothing below needs bash.
# What Systems Manager hands back is cut at 2,500 characters, so the last line counts the others.
set -uf
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
answer='' lines=0

# say KEY VALUE: one line of the answer. What is not known is not said.
say() {
    value=$2
    case $value in *[![:print:]]*) value=$(printf '%s' "$2" | tr -d '\000-\037\177') ;; esac
    [ ${#value} -le 160 ] || value=$(printf '%s' "$value" | cut -c1-160)
    [ -n "$value" ] || return 0
    answer="$answer$1=$value
"
    lines=$((lines + 1))
}

finish() {
    printf '%s\n%send=%s\n' "fleetwright/$1/1" "$answer" "$lines"
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# within SECONDS COMMAND...: bounded, where the host has timeout(1).
within() {
    limit=$1
    shift
    if have timeout; then timeout "$limit" "$@"; else "$@"; fi
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id 2>/dev/null
}
