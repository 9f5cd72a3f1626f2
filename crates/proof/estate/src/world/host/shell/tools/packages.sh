#!/bin/sh
# Package managers, in the formats of dpkg, apt, rpm, dnf and yum.
H=${0%/*bin/*}/.host
. "$H/facts"
tool=${0##*/}

unreachable() {
    case $tool in
        apt*) echo 'E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists  Could not connect' >&2; exit 100 ;;
        *) echo 'Error: Failed to download metadata for repo: Cannot download repomd.xml: All mirrors were tried' >&2; exit 1 ;;
    esac
}

locked() {
    case $tool in
        apt* | dpkg)
            echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1201 (apt-get)' >&2
            exit 100
            ;;
        *) echo 'Waiting for process with pid 1201 to finish.' >&2; exit 1 ;;
    esac
}

# Prints each package through a format of dpkg-query or rpm; one that is not there is an error.
formatted() {
    format=$1
    shift
    awk -v format="$format" -v names="$*" -v arch="$PACKAGE_ARCH" -v tool="$tool" '
        function fill(text, name, version,   at) {
            at = index(version, "-")
            gsub(/\$\{(binary:)?Package\}|%\{(NAME|name)\}/, name, text)
            gsub(/\$\{Version\}/, version, text)
            gsub(/%\{(VERSION|version)\}/, at ? substr(version, 1, at - 1) : version, text)
            gsub(/%\{(RELEASE|release)\}/, at ? substr(version, at + 1) : "1", text)
            gsub(/%\{(EPOCH|EPOCHNUM)\}/, "0", text)
            gsub(/\$\{Architecture\}|%\{(ARCH|arch)\}/, arch, text)
            gsub(/\$\{Status\}/, "install ok installed", text)
            gsub(/\$\{db:Status-Abbrev\}/, "ii ", text)
            gsub(/\$\{db:Status-Status\}/, "installed", text)
            gsub(/%\{INSTALLTIME\}/, "1767225600", text)
            gsub(/\\n/, "\n", text); gsub(/\\t/, "\t", text)
            return text
        }
        BEGIN { count = split(names, wanted, " "); for (n in wanted) want[wanted[n]] = 1 }
        !count || ($1 in want) { printf "%s", fill(format, $1, $2); delete want[$1] }
        END {
            for (name in want) {
                bad = 1
                if (tool == "rpm") printf "package %s is not installed\n", name
                else printf "dpkg-query: no packages found matching %s\n", name > "/dev/stderr"
            }
            exit bad
        }' "$H/packages"
}

dpkg_() {
    case $1 in
        -l | --list)
            shift
            echo '||/ Name           Version      Architecture Description'
            formatted 'ii  ${Package} ${Version} ${Architecture} package\n' "$@"
            ;;
        -s | --status) formatted 'Package: ${Package}\nStatus: ${Status}\nVersion: ${Version}\n' "$2" ;;
        --audit | -C) ;;
        --print-architecture) echo "$PACKAGE_ARCH" ;;
        --configure | -i | --install) [ "$LOCKED" = 0 ] || locked ;;
    esac
}

query() {
    format='${binary:Package}\t${Version}\n'
    names=''
    while [ $# -gt 0 ]; do
        case $1 in
            -f=* | --showformat=*) format=${1#*=} ;;
            -f) shift; format=$1 ;;
            -f*) format=${1#-f} ;;
            -*) ;;
            *) names="$names $1" ;;
        esac
        shift
    done
    formatted "$format" $names
}

rpm_() {
    format='%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n' names='' last=0 all=0
    while [ $# -gt 0 ]; do
        case $1 in
            --qf | --queryformat) shift; format=$1 ;;
            --qf=* | --queryformat=*) format=${1#*=} ;;
            --last) last=1 ;;
            --eval) shift; echo "$PACKAGE_ARCH"; exit 0 ;;
            -qa | -aq | -a) all=1 ;;
            -*) ;;
            *) names="$names $1" ;;
        esac
        shift
    done
    [ $last = 0 ] || format='%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}                    Thu Jan  1 00:00:00 2026\n'
    if [ $all = 1 ]; then
        for name in $names; do grep -q "^$name " "$H/packages" && formatted "$format" "$name"; done
        [ -n "$names" ] || formatted "$format"
    else
        formatted "$format" $names
    fi
}

apt_get() {
    simulate=0 verb=''
    for word; do
        case $word in
            -s | --simulate | --dry-run | --just-print) simulate=1 ;;
            -*) ;;
            *) [ -n "$verb" ] || verb=$word ;;
        esac
    done
    case $verb in
        check) [ "$LOCKED" = 0 ] || locked; echo 'Reading package lists... Done' ;;
        update)
            [ "$LOCKED" = 0 ] || locked
            [ "$REPOSITORIES" = 1 ] || unreachable
            echo 'Hit:1 http://archive.ubuntu.com/ubuntu'
            echo 'Reading package lists... Done'
            ;;
        upgrade | dist-upgrade | full-upgrade | install)
            if [ $simulate = 0 ] && [ "$LOCKED" = 1 ]; then locked; fi
            echo 'Reading package lists... Done'
            awk -v arch="$PACKAGE_ARCH" '
                { print "Inst " $1 " [" $2 "] (" $3 " Ubuntu:security [" arch "])" }
                END { printf "%d upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", NR }' "$H/updates"
            ;;
        *) ;;
    esac
}

dnf_() {
    verb='' flag='' cache=0
    for word; do
        case $word in
            -r | --reboothint) flag=r ;;
            -s | --services) flag=s ;;
            -C | --cacheonly) cache=1 ;;
            -*) ;;
            *) [ -n "$verb" ] || verb=$word ;;
        esac
    done
    case $verb in
        check-update | list | updateinfo | makecache | repoinfo)
            [ "$REPOSITORIES" = 1 ] || [ $cache = 1 ] || unreachable
            ;;
    esac
    case $verb in
        check-update)
            [ -s "$H/updates" ] || exit 0
            awk -v arch="$PACKAGE_ARCH" '{ printf "%-40s %-30s updates\n", $1 "." arch, $3 }' "$H/updates"
            exit 100
            ;;
        updateinfo) awk -v arch="$PACKAGE_ARCH" '{ printf "%s %s/Sec. %s-%s.%s\n", $4, $5, $1, $3, arch }' "$H/updates" ;;
        repolist)
            echo 'repo id                              repo name'
            cat "$H/repositories"
            ;;
        needs-restarting) restarting "$flag" ;;
        check | makecache | clean | history) [ "$LOCKED" = 0 ] || locked ;;
        --version) echo 4.14.0 ;;
        *) [ "$LOCKED" = 0 ] || locked ;;
    esac
}

restarting() {
    case $1 in
        r)
            if [ "$REBOOT" = 1 ]; then
                echo 'Core libraries or services have been updated since boot-up:'
                sed 's/^/  * /' "$H/reboot-packages"
                echo
                echo 'Reboot is required to fully utilize these updates.'
                exit 1
            fi
            echo 'No core libraries or services have been updated since boot-up.'
            echo 'Reboot should not be necessary.'
            ;;
        *) [ "$REBOOT" = 0 ] || echo '1 : /usr/lib/systemd/systemd --switched-root --system' ;;
    esac
}

case $tool in
    dpkg) dpkg_ "$@" ;;
    dpkg-query) query "$@" ;;
    rpm) rpm_ "$@" ;;
    apt-get) apt_get "$@" ;;
    apt)
        case "$*" in
            *upgradable*) echo 'Listing...'; awk -v arch="$PACKAGE_ARCH" '{ print $1 "/security " $3 " " arch " [upgradable from: " $2 "]" }' "$H/updates" ;;
            *) apt_get "$@" ;;
        esac
        ;;
    apt-mark | apt-cache) ;;
    dnf | yum) dnf_ "$@" ;;
    needs-restarting)
        case "$*" in *-r*) restarting r ;; *) restarting '' ;; esac
        ;;
esac
