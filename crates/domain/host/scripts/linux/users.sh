# local_entries passwd|group: what this host itself knows. A directory (LDAP, Active Directory) is left out: it is not
# the host's, may be large, and may not answer.
local_entries() {
    if have getent && entries=$(within 5 getent -s 'files extrausers systemd' "$1" 2>/dev/null) && [ -n "$entries" ]; then
        printf '%s\n' "$entries"
    else
        cat "/etc/$1" 2>/dev/null
    fi
}

# Accounts with their numbers, whether their shell lets them in, and the privileged groups they are in; and whoever else
# those groups name. The fields of passwords, full names and home directories stay here.
# No account at all, or no group, means that they could not be read.
users() {
    accounts=$(local_entries passwd) groups=$(local_entries group)
    if [ -z "$accounts" ] || [ -z "$groups" ]; then
        echo users unreadable
        return
    fi
    printf '%s\n' "$groups" "$accounts" | tr -d '\000-\011\013-\037\177' | awk -F: '
        function groups_of(name, number,    n, words) {
            for (n = 1; n <= 3; n++)
                if ((name, privileged[n]) in member || (number, privileged[n]) in primary) words = words "," privileged[n]
            return words == "" ? "-" : substr(words, 2)
        }
        BEGIN { split("root sudo wheel", privileged, " ") }
        $1 ~ /^[+-]/ || $1 == "" { next }
        NF == 4 && $1 ~ /^(root|sudo|wheel)$/ {
            primary[$3, $1] = 1
            count = split($4, list, ",")
            for (n = 1; n <= count; n++) {
                if (list[n] == "") continue
                member[list[n], $1] = 1
                if (!(list[n] in named)) { named[list[n]] = 1; order[++strangers] = list[n] }
            }
        }
        NF == 7 && !(($1, $3) in seen) {
            seen[$1, $3] = 1; known[$1] = 1
            row[++rows] = ($7 ~ /(^|\/)(nologin|false)$/ ? "no " : "yes ") groups_of($1, $4) " " ($3 == "" ? "-" : $3) " " $1
        }
        END {
            for (n = 1; n <= strangers; n++)
                if (!(order[n] in known)) row[++rows] = "unknown " groups_of(order[n], "") " - " order[n]
            print "users", rows + 0
            for (n = 1; n <= rows; n++) print "user", row[n]
        }'
}
