#!/bin/sh
# systemctl and service, in systemd's formats, and curl and wget, which see what the host sees.
H=${0%/*bin/*}/.host
. "$H/facts"
tool=${0##*/}

state_of() {
    awk -v name="${1%.service}" '
        $1 == "service" && FILENAME ~ /effects$/ { if ($2 == name) state = $3; next }
        $1 == name { state = $2 }
        END { print (state == "" ? "unknown" : state) }' "$H/services" "$H/effects"
}

change() {
    [ "$(state_of "$2")" != unknown ] || {
        echo "Failed to $3 ${2%.service}.service: Unit ${2%.service}.service not found." >&2
        exit 5
    }
    echo "service ${2%.service} $1" >>"$H/effects"
}

list_units() {
    awk -v state="$state" -v legend="$legend" -v plain="$plain" '
        state == "" && $2 == "inactive" { next }
        state == "failed" && $2 != "failed" { next }
        (state == "running" || state == "active") && $2 != "active" { next }
        {
            if (!count++ && legend) print "  UNIT                     LOAD   ACTIVE SUB     DESCRIPTION"
            sub_state = $2 == "active" ? "running" : ($2 == "failed" ? "failed" : "dead")
            mark = plain ? "" : ($2 == "failed" ? "\342\227\217 " : "  ")
            printf "%s%s.service loaded %s %s %s\n", mark, $1, $2, sub_state, $1
        }
        END { if (legend) printf "\n%d loaded units listed.\n", count }' "$H/services"
}

systemctl_() {
    verb='' names='' state='' legend=1 plain=0 quiet=0 property='' value=0
    while [ $# -gt 0 ]; do
        case $1 in
            --state=*) state=${1#*=} ;;
            --state) shift; state=$1 ;;
            --failed) state=failed; verb=${verb:-list-units} ;;
            --no-legend | --legend=false | --legend=no) legend=0 ;;
            --plain) plain=1 ;;
            -q | --quiet) quiet=1 ;;
            -p | --property) shift; property="$property $1" ;;
            --property=*) property="$property ${1#*=}" ;;
            -p?*) property="$property ${1#-p}" ;;
            --value) value=1 ;;
            -t | --type) shift ;;
            -*) ;;
            *) if [ -z "$verb" ]; then verb=$1; else names="$names $1"; fi ;;
        esac
        shift
    done
    case ${verb:-list-units} in
        is-active | is-failed)
            code=3
            [ "$verb" = is-failed ] && code=1
            for name in $names; do
                state=$(state_of "$name")
                [ "$state" = unknown ] && state=inactive
                [ $quiet = 1 ] || echo "$state"
                case "$verb $state" in 'is-active active' | 'is-failed failed') code=0 ;; esac
            done
            exit $code
            ;;
        is-enabled)
            for name in $names; do
                if [ "$(state_of "$name")" = unknown ]; then exit 1; fi
                [ $quiet = 1 ] || echo enabled
            done
            ;;
        is-system-running)
            if grep -q ' failed$' "$H/services"; then
                [ $quiet = 1 ] || echo degraded
                exit 1
            fi
            [ $quiet = 1 ] || echo running
            ;;
        list-units) list_units ;;
        list-unit-files) awk '{ print $1 ".service enabled enabled" }' "$H/services" ;;
        show)
            for name in $names; do
                state=$(state_of "$name")
                sub=dead load=loaded
                [ "$state" = active ] && sub=running
                [ "$state" = failed ] && sub=failed
                [ "$state" = unknown ] && state=inactive && load=not-found
                for key in $(echo "${property:-Id,LoadState,ActiveState,SubState}" | tr , ' '); do
                    case $key in
                        Id) text=${name%.service}.service ;;
                        ActiveState) text=$state ;;
                        SubState) text=$sub ;;
                        LoadState) text=$load ;;
                        UnitFileState) text=enabled ;;
                        NRestarts | ExecMainStatus) text=0 ;;
                        *) text='' ;;
                    esac
                    if [ $value = 1 ]; then echo "$text"; else echo "$key=$text"; fi
                done
            done
            ;;
        status)
            for name in $names; do
                state=$(state_of "$name")
                [ "$state" != unknown ] || { echo "Unit ${name%.service}.service could not be found." >&2; exit 4; }
                printf '* %s.service\n   Loaded: loaded\n   Active: %s\n' "${name%.service}" "$state"
                [ "$state" = active ] || exit 3
            done
            ;;
        start | restart | reload | try-restart | reload-or-restart) for name in $names; do change active "$name" "$verb"; done ;;
        stop) for name in $names; do change inactive "$name" stop; done ;;
        reset-failed) for name in $names; do [ "$(state_of "$name")" != failed ] || change inactive "$name" reset; done ;;
        reboot) echo reboot >>"$H/effects" ;;
        --version) echo 'systemd 252 (252.23)' ;;
        *) ;;
    esac
}

# What answers at a URL: an HTTP status, or nothing.
ask() {
    url=$1
    rest=${url#*://}
    host=${rest%%/*}
    path=/${rest#*/}
    [ "$path" != "/$rest" ] || path=/
    port=${host##*:}
    [ "$port" != "$host" ] || case $url in https:*) port=443 ;; *) port=80 ;; esac
    host=${host%%:*}
    status='' body='' took=0.004000
    case $host in
        localhost | 127.0.0.1 | "$HOSTNAME" | "$IP")
            problem="Failed to connect to $host port $port after 0 ms: Couldn't connect to server" code=7
            if [ "$port" = "$APP_PORT" ] && [ -n "$HEALTH" ]; then
                status=$HEALTH body=ok took=$APP_LATENCY
                [ "$HEALTH" = 200 ] || body='service unavailable'
            fi
            ;;
        169.254.169.254)
            status=200
            case $path in
                */api/token) body=metadata-token ;;
                */meta-data/instance-id) body=$INSTANCE ;;
                */meta-data/local-ipv4) body=$IP ;;
                *) status=404 ;;
            esac
            ;;
        *)
            problem="Connection timed out after 10001 milliseconds" code=28
            [ "$REPOSITORIES" = 0 ] || status=200
            ;;
    esac
}

curl_() {
    fail=0 out='' format='' silent=0 head=0 url=''
    while [ $# -gt 0 ]; do
        case $1 in
            -o | --output) shift; out=$1 ;;
            -w | --write-out) shift; format=$1 ;;
            -m | --max-time | --connect-timeout | -X | --request | -H | --header | -d | --data | -u | -A | -x | --proxy | --retry | --retry-delay | --cacert | -T) shift ;;
            --fail | --fail-with-body) fail=1 ;;
            --head) head=1 ;;
            --silent) silent=1 ;;
            --*) ;;
            -*)
                case $1 in *f*) fail=1 ;; esac
                case $1 in *s*) silent=1 ;; esac
                case $1 in *I*) head=1 ;; esac
                case $1 in *o) shift; out=$1 ;; *w) shift; format=$1 ;; *m) shift ;; esac
                ;;
            *) url=$1 ;;
        esac
        shift
    done
    ask "$url"
    write() {
        [ -z "$format" ] || printf '%b' "$(printf '%s' "$format" | sed "s/%{http_code}/${status:-000}/g; s/%{response_code}/${status:-000}/g; s/%{time_total}/$took/g")"
    }
    if [ -z "$status" ]; then
        write
        [ $silent = 1 ] || echo "curl: ($code) $problem" >&2
        exit "$code"
    fi
    if [ $fail = 1 ] && [ "$status" -ge 400 ]; then
        write
        [ $silent = 1 ] || echo "curl: (22) The requested URL returned error: $status" >&2
        exit 22
    fi
    [ $head = 0 ] || body="HTTP/1.1 $status"
    if [ -n "$out" ]; then echo "$body" >"$out"; else echo "$body"; fi
    write
}

wget_() {
    out=index.html spider=0 url=''
    while [ $# -gt 0 ]; do
        case $1 in
            -O | --output-document) shift; out=$1 ;;
            --output-document=*) out=${1#*=} ;;
            --spider) spider=1 ;;
            -T | -t | --timeout | --tries | --header) shift ;;
            --*) ;;
            -*) case $1 in *O-) out=- ;; *O) shift; out=$1 ;; esac ;;
            *) url=$1 ;;
        esac
        shift
    done
    ask "$url"
    [ -n "$status" ] || exit 4
    [ "$status" -lt 400 ] || { echo "  HTTP/1.1 $status" >&2; exit 8; }
    [ $spider = 0 ] || exit 0
    if [ "$out" = - ]; then echo "$body"; else echo "$body" >"$out"; fi
}

# Whether something takes connections: here, what listens; elsewhere, what the network reaches.
connects() {
    case $1 in
        localhost | 127.0.0.1 | "$HOSTNAME" | "$IP") grep -q "^$2\$" "$H/ports" ;;
        *) [ "$REPOSITORIES" = 1 ] ;;
    esac
}

case $tool in
    bash)
        # /dev/tcp is the shell's own, and would reach the machine's network.
        case $1$2 in
            -c*/dev/tcp/*) connects "$3" "$4" ;;
            *) exec .bash "$@" ;;
        esac
        ;;
    nc)
        while [ $# -gt 2 ]; do shift; done
        connects "$1" "$2"
        ;;
    systemctl) systemctl_ "$@" ;;
    service)
        case $2 in
            status) [ "$(state_of "$1")" = active ] ;;
            start | restart) change active "$1" "$2" ;;
            stop) change inactive "$1" stop ;;
        esac
        ;;
    curl) curl_ "$@" ;;
    wget) wget_ "$@" ;;
esac
