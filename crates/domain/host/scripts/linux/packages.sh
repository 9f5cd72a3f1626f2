
# What the package manager knows.
package_manager() {
    manager=''
    for candidate in apt-get dnf yum zypper; do
        if have "$candidate"; then
            manager=${candidate%-get}
            break
        fi
    done
}

# yes, no or unknown, and who holds it. apt and rpm lock files; dnf, yum and zypper write their pid.
package_lock() {
    if [ -z "$manager" ] || [ ! -r /proc/locks ]; then
        echo unknown no-lock-table
        return
    fi
    for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock \
        /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
        inode=$(stat -c %i "$file" 2>/dev/null) || continue
        holder=$(awk -v end=":$inode" '$4 == "WRITE" && substr($6, length($6) - length(end) + 1) == end { print $5; exit }' /proc/locks)
        if [ -n "$holder" ]; then
            echo yes "$(cat "/proc/$holder/comm" 2>/dev/null)" "pid $holder"
            return
        fi
    done
    for file in /var/run/yum.pid /run/zypp.pid /var/lib/dnf/rpmdb_lock.pid /var/cache/dnf/metadata_lock.pid; do
        holder=$(cat "$file" 2>/dev/null) || continue
        if [ -n "$holder" ] && [ -d "/proc/$holder" ]; then
            echo yes "$(cat "/proc/$holder/comm" 2>/dev/null)" "pid $holder"
            return
        fi
    done
    echo no
}

# scheme://host of the enabled repositories, three at most.
repository_origins() {
    find /etc/apt /etc/yum.repos.d /etc/zypp/repos.d -type f \
        \( -name '*.list' -o -name '*.sources' -o -name '*.repo' \) -exec sed -e '$G' {} \; 2>/dev/null |
        awk 'function flush() { if (on && url != "") print url; url = ""; on = 1 }
            BEGIN { on = 1 }
            /^(\[|[ \t]*$)/ { flush() }
            /^([Ee]nabled *= *0|Enabled: *no)/ { on = 0 }
            /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^http/) print $i }
            /^URIs:/ { url = $2 }
            /^(baseurl|mirrorlist|metalink) *=/ { sub(/^[a-z]* *= */, ""); url = $1 }
            END { flush() }' |
        sed "s/\\\$awsregion/${AWS_SSM_REGION_NAME:-}/" |
        sed -n 's|^\(https\{0,1\}://[^/$]*\)\(/.*\)\{0,1\}$|\1|p' | sort -u | head -n 3
}

package_proxy() {
    {
        sed -n 's/^proxy *= *//p' /etc/dnf/dnf.conf /etc/yum.conf 2>/dev/null
        apt-config dump 2>/dev/null | sed -n 's/^Acquire::https\{0,1\}::[Pp]roxy "\(http.*\)";/\1/p'
    } | head -n 1
}

# yes, no or unknown, and where. Any answer counts: repositories refuse their root page or want certificates.
repositories() {
    if [ "$FW_REPOSITORIES" != probe ] || ! have curl; then
        echo unknown not-probed
        return
    fi
    reachable=unknown where=none-configured proxy=$(package_proxy)
    for origin in $(repository_origins); do
        curl -gs -o /dev/null -m 5 ${proxy:+-x "$proxy"} "$origin/" 2>/dev/null
        case $? in
        0) [ "$where" != none-configured ] || reachable=yes where='' ;;
        5 | 6 | 7 | 28) reachable=no where=$origin && break ;;
        *) reachable=unknown where=$origin ;;
        esac
    done
    echo "$reachable" "$where"
}

all_packages() {
    if [ "$manager" = apt ]; then
        dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p'
    elif have rpm; then
        within 60 rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n' 2>/dev/null
    fi
}

# How many packages, and the digest of the sorted list.
package_set() {
    all=$(all_packages | sort)
    [ -n "$all" ] || return 0
    printf '%s %s' "$(printf '%s\n' "$all" | grep -c .)" "$(printf '%s\n' "$all" | sha256sum 2>/dev/null | cut -c1-64)"
}

recent_packages() {
    if [ "$manager" = apt ]; then
        recent=$(cat /var/log/dpkg.log.1 /var/log/dpkg.log 2>/dev/null |
            awk '$3 == "status" && $4 == "installed" { print "package", $1, $5, $6 }' | tail -n 15)
    else
        recent=$(within 60 rpm -qa --qf '%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\n' 2>/dev/null | sort -rn | head -n 15 | awk '{ print "package", day($1), $2 }
            # The Gregorian date of a day of the epoch, for awk has no portable one: Howard Hinnant,
            # "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
            function day(seconds,    z, e, doe, yoe, doy, mp, y, m) {
                z = int(seconds / 86400) + 719468; e = int(z / 146097); doe = z - e * 146097
                yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
                doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100)); mp = int((5 * doy + 2) / 153)
                m = mp < 10 ? mp + 3 : mp - 9; y = yoe + e * 400 + (m <= 2)
                return seconds > 0 ? sprintf("%04d-%02d-%02d", y, m, doy - int((153 * mp + 2) / 5) + 1) : "unknown"
            }')
    fi
    printf 'packages %d\n' "$(printf '%s\n' "$recent" | grep -c .)"
    printf '%s\n' "$recent"
}
