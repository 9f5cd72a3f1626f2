
# Reads, and changes nothing.
os() {
    sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | tr -d "\"'" | head -n 1
}

disk() {
    [ -d "$2" ] || return 0
    say disk "$(within 5 df -Pk "$2" 2>/dev/null | awk -v role="$1" -v path="$2" \
        'NR == 2 { sub(/%/, "", $(NF - 1)); printf "%s %d %d %s", role, $(NF - 1), $(NF - 2) / 1024, path }')"
}

memory() {
    awk -v key="$1:" '$1 == key { printf "%d", $2 / 1024 }' /proc/meminfo 2>/dev/null
}

# say_units KEY NAME...: what the service manager says of each.
say_units() {
    key=$1
    shift
    for unit in "$@"; do
        state=unknown
        if have systemctl && shown=$(within 5 systemctl show -p LoadState -p ActiveState -- "$unit" 2>/dev/null); then
            case $shown in
            *LoadState=not-found*) state=absent ;;
            *ActiveState=*) state=${shown##*ActiveState=} state=${state%%[!a-z]*} ;;
            esac
        fi
        say "$key" "$state $unit"
    done
}

# load REQUESTS URL UNTIL STATUS: one request after another, none begun from UNTIL (seconds) on, and where
# FW_LOAD_RATE is not 0 no more than that many begun in one second. Good (STATUS, or any from 200 to 399 where
# it is 0) and failed answers, then median, 95th percentile and rate of the good ones; nothing is measured
# without curl.
load_of() {
    if ! have curl || [ "$(date +%s)" -ge "$3" ]; then
        printf unknown
        return
    fi
    asked=0 second=0 within=0
    while now=$(date +%s) && [ "$asked" -lt "$1" ] && [ "$now" -lt "$3" ]; do
        [ "$now" = "$second" ] || within=0
        second=$now
        if [ "$FW_LOAD_RATE" -gt 0 ] && [ "$within" -ge "$FW_LOAD_RATE" ]; then
            sleep 1
            continue
        fi
        curl -gks -o /dev/null -m 5 -w '%{http_code} %{time_total}\n' "$2" 2>/dev/null
        asked=$((asked + 1)) within=$((within + 1))
    done | tr , . | sort -k 2 -n | awk -v status="$4" '
        function ms(percent) { return t[int((n * percent + 99) / 100)] * 1000 + 0.5 }
        status ? $1 == status : $1 >= 200 && $1 < 400 { t[++n] = $2; sum += $2; next }
        { failed++ }
        END { printf "%d %d %d %d %d", n, failed, ms(50), ms(95), (sum > 0) ? n * 10 / sum : 0 }'
}

# say_load REQUESTS [STATUS=]URL...: the endpoints under load, within FW_LOAD_SECONDS all together; a slow
# one leaves the others their share.
say_load() {
    share=$((FW_LOAD_SECONDS * 2 / $#)) begun=$(date +%s) number=0
    [ "$share" -gt 0 ] || share=1
    while [ $# -gt 1 ]; do
        number=$((number + 1)) url=$2 status=0
        case $url in
        [1-5][0-9][0-9]=*) status=${url%%=*} url=${url#*=} ;;
        esac
        say load "$(load_of "$1" "$url" $((begun + share * number)) "$status") $url"
        shift 2
    done
}

# Whether HOST:PORT $1 takes connections. bash comes first: variants of nc do not agree on -z.
tcp_open() {
    if have bash && have timeout; then
        # shellcheck disable=SC2016
        timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "${1%:*}" "${1##*:}" >/dev/null 2>&1 && echo yes || echo no
    elif have nc; then
        nc -z -w 3 "${1%:*}" "${1##*:}" >/dev/null 2>&1 && echo yes || echo no
    else
        echo unknown
    fi
}

# Listening sockets from the kernel's own tables: tcp/22, or tcp/631@lo when only this host can reach it.
ports() {
    for table in tcp tcp6 udp udp6; do
        case $table in tcp*) listen=0A ;; *) listen=07 ;; esac
        awk -v s="$listen" -v t="${table%6}" '$4 == s { print t, $2 }' "/proc/net/$table" 2>/dev/null
    done | while read -r protocol socket; do
        case ${socket%:*} in
        ??????7F | 0000000000000000FFFF0000??????7F | 00000000000000000000000001000000) scope=@lo ;;
        *) scope='' ;;
        esac
        printf '%s/%d%s\n' "$protocol" "0x${socket##*:}" "$scope"
    done | sort -u
}

mounts() {
    awk '$3 !~ /^(proc|sysfs|devtmpfs|devpts|tmpfs|ramfs|cgroup2?|securityfs|pstore|bpf|debugfs|tracefs|mqueue|hugetlbfs|configfs|fusectl|autofs|binfmt_misc|rpc_pipefs|nsfs|overlay|squashfs|efivarfs|selinuxfs|fuse\..*)$/ {
        print "mount", $3, ($4 ~ /(^|,)ro(,|$)/) ? "ro" : "rw", $1, $2 }' /proc/mounts 2>/dev/null | head -n 60
}

running_services() {
    within 10 systemctl list-units --type=service --state=running --no-legend --plain --no-pager 2>/dev/null
}

# The long lists, each with its length, without the sections named in $1.
lists() {
    case $1 in *services*) ;; *)
        units=$(running_services) &&
            printf '%s\n' "$units" | awk '{ sub(/\.service$/, "", $1); printf " %s", $1 }' | sed 's/^/services/' && echo ;;
    esac
    case $1 in *ports*) ;; *) [ ! -r /proc/net/tcp ] || echo ports $(ports) ;; esac
    case $1 in *mounts*) ;; *) [ ! -r /proc/mounts ] || { found=$(mounts) && printf 'mounts %d\n%s\n' "$(printf '%s\n' "$found" | grep -c .)" "$found"; } ;; esac
    case $1 in *users*) ;; *) users ;; esac
    case $1 in *packages*) ;; *) recent_packages ;; esac
}

# One line, compressed, or as it is on hosts that cannot.
encode() {
    if have gzip && have base64; then
        printf 'z=%s\n' "$(gzip -9nc | base64 | tr -d '\n')"
    else
        grep . | sed 's/^/p=/'
    fi
}

pending_reboot
say os "$(os ID)"
say os_version "$(os VERSION_ID)"
say kernel "$kernel_now"
say arch "$(uname -m)"
say hostname "$(uname -n)"
say boot_id "$(boot_id)"
say uptime_s "$(sed 's/[. ].*//' /proc/uptime 2>/dev/null)"
disk root /
disk boot /boot
disk var /var
disk temp /tmp
say memory_available_mib "$(memory MemAvailable)"
say memory_total_mib "$(memory MemTotal)"
say load1_milli "$(awk '{ printf "%d", $1 * 1000 + 0.5 }' /proc/loadavg 2>/dev/null)"
say cpus "$(grep -c '^processor' /proc/cpuinfo 2>/dev/null)"
package_manager
say package_manager "$manager"
say package_lock "$(package_lock)"
say repositories "$(repositories)"
say pending_reboot "$need $evidence"
if failed=$(have systemctl && within 10 systemctl list-units --state=failed --no-legend --plain --no-pager 2>/dev/null); then
    say failed_units "$(printf '%s\n' "$failed" | awk '$1 != "" { n++; if (n <= 6) names = names " " $1 } END { print n + 0 names }')"
fi
say_units service $FW_SERVICES
say_units agent $FW_AGENTS
for url in $FW_HEALTH; do say health "$(http_status "$url") $url"; done
for database in $FW_DATABASES; do say database "$(tcp_open "$database") $database"; done
[ -z "$FW_LOAD" ] || say_load $FW_LOAD
say packages "$(package_set)"

# What does not fit is left out by name; half a list would look like services that are gone.
room=$((2300 - ${#answer}))
for cut in '' packages 'packages users' 'packages users mounts' 'packages users mounts ports' 'packages users mounts ports services'; do
    encoded=$(lists "$cut" | encode)
    [ ${#encoded} -gt "$room" ] || break
done
say cut "$cut"
if [ -n "$encoded" ]; then
    answer="$answer$encoded
"
    lines=$((lines + $(printf '%s\n' "$encoded" | grep -c .)))
fi
finish survey
