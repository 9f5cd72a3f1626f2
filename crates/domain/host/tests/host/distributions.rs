//! Hosts whose programs print what those of real distributions print.

use crate::sandbox::Host;

const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17301 1 ffff8881 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17265 1 ffff8882 100 0 0 10 0
   2: 0A01A8C0:0016 0201A8C0:D2F4 01 00000000:00000000 02:000A5B3C 00000000     0        0 18021 4 ffff8883 20 4 29 10 -1
";
const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17267 1 ffff8884 100 0 0 10 0
   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   997        0 19990 1 ffff8885 100 0 0 10 0
";
const UDP: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  310: 0100007F:0143 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 16011 2 ffff8886 0
";

/// The accounts of every distribution, with what is nobody's business: a digest, a full name, a home.
pub(crate) const PASSWD: &str = "root:x:0:0:Super User:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
nobody:x:65534:65534:Kernel Overflow User:/:/bin/false
deploy:$6$canarydigest:1000:1000:Canary Fullname,,555:/srv/canaryhome:/bin/bash
";
/// Their groups.
pub(crate) const GROUP: &str = "root:x:0:\ndaemon:x:1:\nsudo:x:27:deploy\nwheel:x:10:\nusers:x:100:daemon\n";

/// What all of them have: two processors, load, memory, ports, accounts, ext4 or xfs.
fn machine(host: &Host, mounts: &str, df: &str) {
    host.file("/proc/uptime", "864000.42 1700000.00\n")
        .file("/proc/loadavg", "0.42 0.40 0.35 2/312 40321\n")
        .file("/proc/cpuinfo", "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\nmodel name\t: x\n")
        .file(
            "/proc/meminfo",
            "MemTotal:        7865100 kB\nMemFree:          402212 kB\nMemAvailable:    6291456 kB\n",
        )
        .file("/proc/net/tcp", TCP)
        .file("/proc/net/tcp6", TCP6)
        .file("/proc/net/udp", UDP)
        .file("/proc/locks", "1: POSIX  ADVISORY  READ 1102 00:19:1043 0 EOF\n")
        .file("/proc/mounts", mounts)
        .file("/etc/passwd", PASSWD)
        .file("/etc/group", GROUP)
        .prints("df", df);
}

fn systemd(host: &Host, running: &str, failed: &str) {
    host.tool(
        "systemctl",
        &format!(
            "case \"$*\" in\n*state=running*) cat <<'TEXT'\n{running}\nTEXT\n;;\n*state=failed*) cat <<'TEXT'\n{failed}\nTEXT\n;;\n\
             show*nginx*) printf 'LoadState=loaded\\nActiveState=active\\n' ;;\n\
             show*falcon-sensor*) printf 'LoadState=loaded\\nActiveState=active\\n' ;;\n\
             show*backup*) printf 'LoadState=loaded\\nActiveState=failed\\n' ;;\n\
             show*) printf 'LoadState=not-found\\nActiveState=inactive\\n' ;;\nesac"
        ),
    );
}

fn kernel(host: &Host, running: &str, installed: &[&str]) {
    host.tool(
        "uname",
        &format!("case $1 in -r) echo {running} ;; -m) echo x86_64 ;; -n) echo web-1 ;; esac"),
    );
    for version in installed {
        host.file(&format!("/boot/vmlinuz-{version}"), "");
    }
}

/// `rpm -qa` with the two query formats of the script.
fn rpm(host: &Host) {
    host.tool(
        "rpm",
        "case \"$*\" in\n*INSTALLTIME*) printf '1763596800 kernel 6.1.156-177.286\\n1763596790 openssl-libs 3.2.2-1\\n1700000000 bash 5.2.15-1\\n' ;;\n\
         *) printf 'bash 0:5.2.15-1.x86_64\\nopenssl-libs 1:3.2.2-1.x86_64\\nkernel 0:6.1.156-177.286.x86_64\\n' ;;\nesac",
    );
}

/// Amazon Linux 2023, with a kernel update installed and not booted.
pub(crate) fn amazon_linux_2023() -> Host {
    let host = Host::new();
    host.file(
        "/etc/os-release",
        "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\n",
    );
    machine(
        &host,
        "/dev/nvme0n1p1 / xfs rw,noatime,attr2,inode64,logbufs=8,logbsize=32k,sunit=1024,swidth=1024,noquota 0 0\n\
         devtmpfs /dev devtmpfs rw,nosuid,size=4096k,nr_inodes=478000,mode=755,inode64 0 0\n\
         fs-0a1b2c3d.efs.eu-central-1.amazonaws.com:/ /srv/shared\\040data nfs4 ro,relatime,vers=4.1 0 0\n",
        "Filesystem     1024-blocks    Used Available Capacity Mounted on\n\
         /dev/nvme0n1p1     8310764 1762176   6548588      22% /\n",
    );
    systemd(
        &host,
        "amazon-ssm-agent.service loaded active running amazon-ssm-agent\n\
         chronyd.service          loaded active running NTP client/server\n\
         getty@tty1.service       loaded active running Getty on tty1\n\
         nginx.service            loaded active running The nginx HTTP and reverse proxy server\n\
         sshd.service             loaded active running OpenSSH server daemon",
        "backup.service loaded failed failed Nightly backup",
    );
    kernel(
        &host,
        "6.1.155-176.282.amzn2023.x86_64",
        &["6.1.155-176.282.amzn2023.x86_64", "6.1.156-177.286.amzn2023.x86_64"],
    );
    rpm(&host);
    host.tool("dnf", "exit 1");
    host.file(
        "/etc/yum.repos.d/amazonlinux.repo",
        "[amazonlinux]\nname=Amazon Linux 2023 repository\n\
         mirrorlist=https://cdn.amazonlinux.com/al2023/core/mirrors/$releasever/$basearch/mirror.list\nenabled=1\n\n\
         [amazonlinux-source]\nmirrorlist=https://source.invalid/mirror.list\nenabled=0\n\n\
         [regional]\nbaseurl=https://repos.$awsregion.example.com/x\nenabled=1\n",
    );
    host
}

/// Ubuntu 22.04 as Canonical's image is: apt, snaps, update-notifier, no reboot due.
pub(crate) fn ubuntu_2204() -> Host {
    let host = Host::new();
    host.file("/etc/os-release", "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=debian\n");
    machine(
        &host,
        "/dev/root / ext4 rw,relatime,discard,errors=remount-ro 0 0\n\
         /dev/loop0 /snap/amazon-ssm-agent/7993 squashfs ro,nodev,relatime,errors=continue 0 0\n\
         tmpfs /run tmpfs rw,nosuid,nodev,size=803872k 0 0\n\
         /dev/nvme0n1p15 /boot/efi vfat rw,relatime 0 0\n\
         /dev/nvme1n1 /data ext4 rw,relatime 0 0\n",
        "Filesystem     1024-blocks    Used Available Capacity Mounted on\n\
         /dev/root          7941576 6988587    936605      89% /\n",
    );
    systemd(
        &host,
        "cron.service                                loaded active running Regular background program processing daemon\n\
         nginx.service                               loaded active running A high performance web server and a reverse proxy server\n\
         snap.amazon-ssm-agent.amazon-ssm-agent.service loaded active running Service for snap application amazon-ssm-agent.amazon-ssm-agent\n\
         user@1000.service                           loaded active running User Manager for UID 1000",
        "",
    );
    kernel(&host, "6.8.0-1040-aws", &["6.8.0-1039-aws", "6.8.0-1040-aws", "6.8.0-2000-generic"]);
    host.tool("apt-get", "exit 100");
    host.prints("apt-config", "Acquire \"\";");
    host.prints(
        "dpkg-query",
        "bash 5.1-6ubuntu1.1 installed\nlibssl3:amd64 3.0.2-0ubuntu1.20 installed\nold-conf 1.0 config-files",
    );
    host.file(
        "/var/log/dpkg.log",
        "2026-11-19 06:12:01 install libssl3:amd64 <none> 3.0.2-0ubuntu1.20\n\
         2026-11-19 06:12:02 status half-configured libssl3:amd64 3.0.2-0ubuntu1.20\n\
         2026-11-19 06:12:03 status installed libssl3:amd64 3.0.2-0ubuntu1.20\n",
    );
    host.file("/var/lib/dpkg/lock-frontend", "")
        .file("/usr/share/update-notifier/notify-reboot-required", "");
    host.file("/etc/apt/sources.list", "deb http://eu-central-1.ec2.archive.ubuntu.com/ubuntu/ jammy main\n# deb http://commented.invalid/ x y\n");
    host
}

/// Ubuntu 24.04: sources in the newer form, a reboot due.
pub(crate) fn ubuntu_2404() -> Host {
    let host = ubuntu_2204();
    host.file("/etc/os-release", "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nVERSION_ID=\"24.04\"\nID=ubuntu\n")
        .file("/etc/apt/sources.list", "# Ubuntu sources have moved to the ubuntu.sources file\n")
        .file(
            "/etc/apt/sources.list.d/ubuntu.sources",
            "Types: deb\nURIs: http://eu-central-1.ec2.archive.ubuntu.com/ubuntu/\nSuites: noble noble-updates\n\n\
             Enabled: no\nTypes: deb\nURIs: http://disabled.invalid/ubuntu/\nSuites: noble\n",
        )
        .file("/run/reboot-required", "*** System restart required ***\n");
    host
}

/// RHEL of `version`, whose `needs-restarting -r` prints `words` and ends with `status`.
pub(crate) fn rhel(version: &str, words: &str, status: i32) -> Host {
    let host = Host::new();
    host.file(
        "/etc/os-release",
        &format!("NAME=\"Red Hat Enterprise Linux\"\nID=\"rhel\"\nVERSION_ID=\"{version}\"\n"),
    );
    machine(
        &host,
        "/dev/mapper/rhel-root / xfs rw,seclabel,relatime 0 0\nselinuxfs /sys/fs/selinux selinuxfs rw 0 0\n\
         /dev/nvme0n1p2 /boot xfs rw,seclabel,relatime 0 0\n",
        "Filesystem           1024-blocks     Used Available Capacity Mounted on\n\
         /dev/mapper/rhel-root   36678148 12345678  24332470      34% /\n",
    );
    systemd(&host, "auditd.service loaded active running Security Auditing Service", "");
    kernel(
        &host,
        "5.14.0-570.12.1.el9_6.x86_64",
        &["0-rescue-ec2a1b2c3d4e5f60718293a4b5c6d7e8", "5.14.0-570.12.1.el9_6.x86_64"],
    );
    rpm(&host);
    host.tool("dnf", "exit 1");
    host.tool("needs-restarting", &format!("cat <<'TEXT'\n{words}\nTEXT\nexit {status}"));
    host
}

/// What `needs-restarting -r` of RHEL 8 and 9 says when a reboot is due.
pub(crate) const DUE: &str = "Core libraries or services have been updated since boot-up:\n  * glibc\n  * systemd\n\nReboot is required to fully utilize these updates.\nMore information: https://access.redhat.com/solutions/27943";
/// What it says when none is.
pub(crate) const NOT_DUE: &str =
    "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.";
