#!/bin/sh
# The tools that tell about the system, in the formats of coreutils, procps, util-linux and iproute2.
# They answer from the tables in .host, which the estate writes for each run.
H=${0%/*bin/*}/.host
. "$H/facts"
tool=${0##*/}

slept() { awk '$1 == "slept" { s += $2 } END { print s + 0 }' "$H/effects"; }

seconds() {
    case $1 in
        *m) echo $((${1%m} * 60)) ;;
        *h) echo $((${1%h} * 3600)) ;;
        *) n=${1%s}; echo "${n%%.*}" ;;
    esac
}

df_() {
    type=0 inodes=0 human=0 output='' skip='' only='' paths=''
    while [ $# -gt 0 ]; do
        case $1 in
            --output=*) output=${1#*=} ;;
            --output) output=source,fstype,size,used,avail,pcent,target ;;
            -x) shift; skip="$skip $1" ;;
            -t) shift; only="$only $1" ;;
            --exclude-type=*) skip="$skip ${1#*=}" ;;
            --type=*) only="$only ${1#*=}" ;;
            --*) ;;
            -*)
                case $1 in *T*) type=1 ;; esac
                case $1 in *i*) inodes=1 ;; esac
                case $1 in *h*) human=1 ;; esac
                ;;
            *) paths="$paths $1" ;;
        esac
        shift
    done
    awk -v type=$type -v inodes=$inodes -v human=$human -v output="$output" -v skip="$skip" -v only="$only" \
        -v paths="$paths" -v root="$ROOT" '
        function size(kib) {
            if (!human) return kib
            if (kib >= 1048576) return sprintf("%.0fG", kib / 1048576)
            return sprintf("%.0fM", kib / 1024)
        }
        { dev[NR] = $1; at[NR] = $2; fs[NR] = $3; kib[NR] = $4; used[NR] = $5 }
        END {
            count = split(paths, wanted, " ")
            for (w = 1; w <= count; w++) {
                path = wanted[w]
                if (index(path, root) == 1) path = substr(path, length(root) + 1)
                best = 1
                for (n = 1; n <= NR; n++)
                    if (at[n] == path || (at[n] != "/" && index(path, at[n] "/") == 1)) best = n
                order[++rows] = best
            }
            if (!count) for (n = 1; n <= NR; n++) order[++rows] = n
            fields = split(output, field, ",")
            if (fields) {
                split("source fstype size used avail pcent target ipcent", keys, " ")
                split("Filesystem Type 1K-blocks Used Avail Use% Mounted_on IUse%", heads, " ")
                for (k in keys) head[keys[k]] = heads[k]
                line = ""
                for (f = 1; f <= fields; f++) line = line (f > 1 ? " " : "") head[field[f]]
                sub("Mounted_on", "Mounted on", line); print line
            } else if (inodes)
                printf "%-15s %10s %8s %10s %5s %s\n", "Filesystem", "Inodes", "IUsed", "IFree", "IUse%", "Mounted on"
            else if (type)
                printf "%-15s %-5s %11s %9s %9s %8s %s\n", "Filesystem", "Type", "1024-blocks", "Used", "Available", "Capacity", "Mounted on"
            else
                printf "%-15s %11s %9s %9s %8s %s\n", "Filesystem", (human ? "Size" : "1024-blocks"), "Used", "Available", "Capacity", "Mounted on"
            for (r = 1; r <= rows; r++) {
                n = order[r]
                if (index(skip " ", " " fs[n] " ")) continue
                if (only != "" && !index(only " ", " " fs[n] " ")) continue
                avail = kib[n] - used[n]
                percent = int((used[n] * 100 + kib[n] - 1) / kib[n])
                if (fields) {
                    value["source"] = dev[n]; value["fstype"] = fs[n]; value["size"] = kib[n]
                    value["used"] = used[n]; value["avail"] = avail; value["pcent"] = percent "%"
                    value["target"] = at[n]; value["ipcent"] = "4%"
                    line = ""
                    for (f = 1; f <= fields; f++) line = line (f > 1 ? " " : "") value[field[f]]
                    print line
                } else if (inodes)
                    printf "%-15s %10d %8d %10d %4d%% %s\n", dev[n], kib[n] / 16, kib[n] / 400, kib[n] / 16 - kib[n] / 400, 4, at[n]
                else if (type)
                    printf "%-15s %-5s %11s %9s %9s %7d%% %s\n", dev[n], fs[n], size(kib[n]), size(used[n]), size(avail), percent, at[n]
                else
                    printf "%-15s %11s %9s %9s %7d%% %s\n", dev[n], size(kib[n]), size(used[n]), size(avail), percent, at[n]
            }
        }' "$H/mounts"
}

free_() {
    unit=1
    case "$*" in *-m* | *--mebi*) unit=1024 ;; *-g*) unit=1048576 ;; esac
    printf '%15s %11s %11s %11s %11s %11s\n' total used free shared buff/cache available
    printf 'Mem:    %12d %11d %11d %11d %11d %11d\n' $((MEM_TOTAL / unit)) \
        $(((MEM_TOTAL - MEM_AVAILABLE) / unit)) $((MEM_AVAILABLE / 2 / unit)) $((1024 / unit)) \
        $((MEM_AVAILABLE / 2 / unit)) $((MEM_AVAILABLE / unit))
    printf 'Swap:   %12d %11d %11d\n' 0 0 0
}

ss_() {
    heads=1
    case "$*" in *H*) heads=0 ;; esac
    [ $heads = 0 ] || printf '%-6s %-6s %-6s %20s %20s %s\n' State Recv-Q Send-Q Local\ Address:Port Peer\ Address:Port Process
    while read -r port; do
        printf '%-6s %-6s %-6s %20s %20s\n' LISTEN 0 128 "0.0.0.0:$port" '0.0.0.0:*'
    done <"$H/ports"
}

netstat_() {
    printf 'Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State\n'
    while read -r port; do
        printf 'tcp        0      0 %-23s %-23s LISTEN\n' "0.0.0.0:$port" '0.0.0.0:*'
    done <"$H/ports"
}

uname_() {
    [ $# -gt 0 ] || set -- -s
    out=''
    for flag in "$@"; do
        case $flag in
            -a | --all) out="$out Linux $HOSTNAME $KERNEL #1 SMP $ARCH $ARCH $ARCH GNU/Linux" ;;
            -r | --kernel-release) out="$out $KERNEL" ;;
            -m | -p | -i) out="$out $ARCH" ;;
            -n | --nodename) out="$out $HOSTNAME" ;;
            -s) out="$out Linux" ;;
            -sr | -rs) out="$out Linux $KERNEL" ;;
            -o) out="$out GNU/Linux" ;;
        esac
    done
    echo "${out# }"
}

uptime_() {
    case $1 in
        -s) .date -u -d "@$BOOTED" '+%Y-%m-%d %H:%M:%S' ;;
        -p) echo "up $((UPTIME / 3600)) hours, $((UPTIME / 60 % 60)) minutes" ;;
        *)
            printf ' %s up %d days, %2d:%02d,  0 users,  load average: %s, %s, %s\n' \
                "$(.date -u -d "@$NOW" +%H:%M:%S)" $((UPTIME / 86400)) $((UPTIME / 3600 % 24)) \
                $((UPTIME / 60 % 60)) "$LOAD1" "$LOAD5" "$LOAD15"
            ;;
    esac
}

findmnt_() {
    heads=1 columns=TARGET,SOURCE,FSTYPE,OPTIONS want=''
    while [ $# -gt 0 ]; do
        case $1 in
            -o | --output) shift; columns=$1 ;;
            --output=*) columns=${1#*=} ;;
            --noheadings) heads=0 ;;
            -T | --target | -M | -t | -S) shift; want=$1 ;;
            --*) ;;
            -*) case $1 in *n*) heads=0 ;; esac
                case $1 in *o) shift; columns=$1 ;; esac ;;
            *) want=$1 ;;
        esac
        shift
    done
    want=${want#"$ROOT"}
    awk -v columns="$columns" -v heads=$heads -v want="$want" '
        BEGIN { count = split(columns, c, ","); if (heads) { line = c[1]; for (n = 2; n <= count; n++) line = line " " c[n]; print line } }
        want == "" || want == $2 || want == $3 {
            v["TARGET"] = $2; v["SOURCE"] = $1; v["FSTYPE"] = $3; v["OPTIONS"] = "rw,relatime"
            line = v[c[1]]; for (n = 2; n <= count; n++) line = line " " v[c[n]]; print line; hit = 1
        }
        END { exit !hit }' "$H/mounts"
}

case $tool in
    df) df_ "$@" ;;
    free) free_ "$@" ;;
    ss) ss_ "$@" ;;
    netstat) netstat_ "$@" ;;
    uname) uname_ "$@" ;;
    uptime) uptime_ "$@" ;;
    findmnt) findmnt_ "$@" ;;
    mountpoint) for path; do :; done; path=${path#"$ROOT"}; grep -q " $path " "$H/mounts" ;;
    mount) awk '{ print $1 " on " $2 " type " $3 " (rw,relatime)" }' "$H/mounts" ;;
    hostname)
        case $1 in
            -s) echo "${HOSTNAME%%.*}" ;;
            -I | -i) echo "$IP" ;;
            *) echo "$HOSTNAME" ;;
        esac
        ;;
    nproc) echo "$CPUS" ;;
    getconf) case $1 in _NPROCESSORS_ONLN) echo "$CPUS" ;; LONG_BIT) echo 64 ;; *) exit 1 ;; esac ;;
    getent)
        while [ "$1" = -s ]; do shift 2; done
        case $1 in
            passwd | group) file=$ROOT/etc/$1 ;;
            *) exit 1 ;;
        esac
        shift
        [ $# -gt 0 ] || exec cat "$file"
        for key; do
            awk -F: -v key="$key" '$1 == key || $3 == key { print; hit = 1 } END { exit !hit }' "$file" || exit 2
        done
        ;;
    who) case $* in *b*) echo "         system boot  $(.date -u -d "@$BOOTED" '+%Y-%m-%d %H:%M')" ;; esac ;;
    whoami | logname) echo root ;;
    id)
        case $1 in
            -u | -g) echo 0 ;;
            -un | -gn) echo root ;;
            *) echo 'uid=0(root) gid=0(root) groups=0(root)' ;;
        esac
        ;;
    date)
        now=$((NOW + $(slept)))
        case "$*" in
            *-d* | *--date*) .date "$@" ;;
            *) .date -u -d "@$now" "$@" ;;
        esac
        ;;
    sleep)
        for stretch; do
            echo "slept $(seconds "$stretch")" >>"$H/effects"
        done
        # A script that waits longer than it may is ended here: no time passes in which the estate could.
        if [ "$(slept)" -gt "$LIMIT" ]; then
            echo timeout >>"$H/effects"
            kill -9 0
        fi
        ;;
    shutdown | reboot | poweroff)
        case " $* " in
            *' -c '*) ;;
            *) echo reboot >>"$H/effects" ;;
        esac
        ;;
    sysctl)
        for key; do :; done
        case $key in
            kernel.random.boot_id) cat "$ROOT/proc/sys/kernel/random/boot_id" ;;
            *) exit 255 ;;
        esac
        ;;
    fuser | lsof)
        case "$*" in
            *dpkg* | *apt* | *rpm* | *dnf* | *yum*)
                [ "$LOCKED" = 1 ] || exit 1
                [ "$tool" = fuser ] && echo ' 1201' || printf 'COMMAND  PID USER\n%s 1201 root\n' "$LOCKER"
                ;;
            *) exit 1 ;;
        esac
        ;;
    pgrep | pidof)
        case "$*" in
            *apt* | *dpkg* | *dnf* | *yum*) [ "$LOCKED" = 1 ] && echo 1201 ;;
            *) for name; do :; done; grep -q "^$name active" "$H/services" && echo 812 ;;
        esac
        ;;
    cloud-init) echo 'status: done' ;;
    journalctl) echo '-- No entries --' ;;
    logger | sync | systemd-cat) ;;
esac
