# The HTTP status of URL $1; 000 when nothing answered. Certificates are not judged: nothing is sent,
# and the one of a service seldom names "localhost".
http_status() {
    if have curl; then
        curl -gks -o /dev/null -m 5 -w '%{http_code}' "$1" 2>/dev/null
    elif have wget; then
        status=$(wget --no-check-certificate -S -T 5 -t 1 -O /dev/null "$1" 2>&1 | awk '$1 ~ /^HTTP\// { status = $2 } END { print status }')
        printf '%s' "${status:-000}"
    else
        printf unknown
    fi
}

