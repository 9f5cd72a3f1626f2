
# Reads, and changes nothing.
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

function Say-Disk([string]$Role, [string]$Path) {
    $Drive = New-Object IO.DriveInfo $Path.Substring(0, 1)
    $Used = [int][Math]::Ceiling(100 * (1 - $Drive.TotalFreeSpace / $Drive.TotalSize))
    Say 'disk' ('{0} {1} {2} {3}' -f $Role, $Used, [int64][Math]::Floor($Drive.AvailableFreeSpace / 1MB), $Path)
}

function Say-Services([string]$Key, [string[]]$Names) {
    foreach ($Name in $Names) {
        $Service = Get-Service -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $Name } | Select-Object -First 1
        $State = if (-not $Service) { 'absent' } elseif ($Service.Status -eq 'Running') { 'active' } else { 'inactive' }
        Say $Key "$State $Name"
    }
}

# One request after another, none begun from $Until on; as on Linux.
function Measure-Load([int]$Requests, [string]$Url, [DateTime]$Until, [int]$Expected) {
    $Times = New-Object System.Collections.Generic.List[double]
    $Failed = 0
    $Begun = [DateTime]::UtcNow
    while ($Times.Count + $Failed -lt $Requests -and [DateTime]::UtcNow -lt $Until) {
        $Watch = [Diagnostics.Stopwatch]::StartNew()
        $Status = [int](Get-HttpStatus $Url)
        $Good = if ($Expected) { $Status -eq $Expected } else { $Status -ge 200 -and $Status -lt 400 }
        if ($Good) { $Times.Add($Watch.Elapsed.TotalMilliseconds) } else { $Failed++ }
        $Pace = [int]$env:FW_LOAD_RATE
        if ($Pace) {
            $Early = ($Begun.AddSeconds(($Times.Count + $Failed) / $Pace) - [DateTime]::UtcNow).TotalMilliseconds
            if ($Early -gt 0) { Start-Sleep -Milliseconds $Early }
        }
    }
    if ($Times.Count + $Failed -eq 0) { return 'unknown' }
    $Times.Sort()
    $P50 = 0; $P95 = 0; $Rate = 0
    if ($Times.Count) {
        $P50 = [Math]::Round($Times[[int][Math]::Ceiling($Times.Count * 0.5) - 1])
        $P95 = [Math]::Round($Times[[int][Math]::Ceiling($Times.Count * 0.95) - 1])
        $Sum = ($Times | Measure-Object -Sum).Sum
        if ($Sum -gt 0) { $Rate = [Math]::Floor($Times.Count * 10000 / $Sum) }
    }
    "$($Times.Count) $Failed $P50 $P95 $Rate"
}

function Test-Tcp([string]$Address) {
    $At = $Address.LastIndexOf(':')
    $Client = New-Object Net.Sockets.TcpClient
    try {
        $Wait = $Client.BeginConnect($Address.Substring(0, $At), [int]$Address.Substring($At + 1), $null, $null)
        if ($Wait.AsyncWaitHandle.WaitOne(3000) -and $Client.Connected) { 'yes' } else { 'no' }
    } catch { 'no' } finally { $Client.Close() }
}

# Accounts of this host, and whoever else its Administrators name (S-1-5-32-544: the name is of the system's language).
# ADSI lists them, because Get-LocalGroupMember fails as a whole on one member that nobody can resolve.
function Get-Users {
    $Group = ([Security.Principal.SecurityIdentifier]'S-1-5-32-544').Translate([Security.Principal.NTAccount]).Value.Split('\')[-1]
    $Members = @{}
    foreach ($Member in @(([ADSI]"WinNT://./$Group,group").Invoke('Members'))) {
        $Sid = [byte[]]$Member.GetType().InvokeMember('objectSid', 'GetProperty', $null, $Member, $null)
        $Name = $Member.GetType().InvokeMember('Name', 'GetProperty', $null, $Member, $null)
        $Members[[Security.Principal.SecurityIdentifier]::new($Sid, 0).Value] = $Name
    }
    foreach ($User in Get-LocalUser) {
        $Sid = $User.SID.Value
        $Groups = if ($Members.ContainsKey($Sid)) { 'administrators' } else { '-' }
        $Members.Remove($Sid)
        'user {0} {1} {2} {3}' -f $(if ($User.Enabled) { 'yes' } else { 'no' }), $Groups, $Sid, $User.Name
    }
    foreach ($Sid in @($Members.Keys | Sort-Object)) { "user unknown administrators $Sid $($Members[$Sid])" }
}

# The long lists, each with its length, without the sections named.
function Get-Lists([string[]]$Without) {
    if ($Without -notcontains 'services') {
        'services ' + ((Get-Service -ErrorAction SilentlyContinue | Where-Object { $_.Status -eq 'Running' } | ForEach-Object { $_.Name }) -join ' ')
    }
    if ($Without -notcontains 'ports') {
        $Ports = Read-Fact {
            Get-NetTCPConnection -State Listen | ForEach-Object {
                'tcp/{0}{1}' -f $_.LocalPort, $(if ($_.LocalAddress -like '127.*' -or $_.LocalAddress -eq '::1') { '@lo' })
            } | Sort-Object -Unique
        }
        if ($Ports) { 'ports ' + ($Ports -join ' ') }
    }
    if ($Without -notcontains 'mounts') {
        $Volumes = @(Read-Fact { Get-CimInstance Win32_LogicalDisk -Filter 'DriveType = 3' } | Where-Object { $_ })
        if ($Volumes) { "mounts $($Volumes.Count)" }
        $Volumes | ForEach-Object { "mount $($_.FileSystem) rw $($_.DeviceID) $($_.DeviceID)\" }
    }
    if ($Without -notcontains 'users') {
        $Users = @(Read-Fact { Get-Users } | Where-Object { $_ })
        if ($Users) { "users $($Users.Count)" } else { 'users unreadable' }
        $Users
    }
    if ($Without -notcontains 'packages') {
        # The day of a hotfix is text that .NET cannot read under every language setting.
        $Recent = @(Read-Fact {
            $Hotfixes | Where-Object { $_ -and $_.InstalledOn } | Sort-Object InstalledOn -Descending |
                Select-Object -First 15 |
                ForEach-Object { "package $($_.InstalledOn.ToString('yyyy-MM-dd', $Invariant)) $($_.HotFixID) hotfix" }
        } | Where-Object { $_ })
        "packages $($Recent.Count)"
        $Recent
    }
}

function Compress-Text([string]$Text) {
    $Buffer = New-Object IO.MemoryStream
    $Zip = New-Object IO.Compression.GZipStream $Buffer, ([IO.Compression.CompressionMode]::Compress)
    $Bytes = [Text.Encoding]::UTF8.GetBytes($Text)
    $Zip.Write($Bytes, 0, $Bytes.Length)
    $Zip.Close()
    [Convert]::ToBase64String($Buffer.ToArray())
}

$System = Read-Fact { Get-CimInstance Win32_OperatingSystem }
$Processors = @(Read-Fact { Get-CimInstance Win32_Processor })
$Hotfixes = @(Read-Fact { Get-HotFix })
Say 'os' 'windows'
Say 'os_version' (Read-Fact { $System.Version })
Say 'kernel' (Read-Fact { $System.Version + '.' + (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion').UBR })
Say 'arch' $env:PROCESSOR_ARCHITECTURE
Say 'hostname' $env:COMPUTERNAME
Say 'boot_id' (Get-BootId)
Say 'uptime_s' (Read-Fact { [int64][Math]::Floor(((Get-Date) - $System.LastBootUpTime).TotalSeconds) })
Read-Fact { Say-Disk 'root' "$env:SystemDrive\" }
Read-Fact { Say-Disk 'temp' $env:TEMP }
Say 'memory_available_mib' (Read-Fact { [int64][Math]::Floor($System.FreePhysicalMemory / 1024) })
Say 'memory_total_mib' (Read-Fact { [int64][Math]::Floor($System.TotalVisibleMemorySize / 1024) })
$Cpus = Read-Fact { [int]($Processors | Measure-Object NumberOfLogicalProcessors -Sum).Sum }
Say 'load1_milli' (Read-Fact { [int](($Processors | Measure-Object LoadPercentage -Average).Average * 10 * $Cpus) })
Say 'cpus' $Cpus
Say 'package_manager' 'windows-update'
$Held = Read-Fact { $M = $null; [Threading.Mutex]::TryOpenExisting('Global\_MSIExecute', [ref]$M) }
Say 'package_lock' $(if ($null -eq $Held) { 'unknown mutex-unreadable' } elseif ($Held) { 'yes windows-installer' } else { 'no' })
Say 'repositories' 'unknown not-probed'
Say 'pending_reboot' (Get-PendingReboot)
$Failed = @(Read-Fact { Get-CimInstance Win32_Service -Filter "StartMode = 'Auto' AND State <> 'Running' AND ExitCode <> 0 AND ExitCode <> 1077" })
Say 'failed_units' ("$(@($Failed | Where-Object { $_ }).Count) " + (@($Failed | Where-Object { $_ } | Select-Object -First 6 | ForEach-Object { $_.Name }) -join ' ')).Trim()
Say-Services 'service' (Split-List $env:FW_SERVICES)
Say-Services 'agent' (Split-List $env:FW_AGENTS)
foreach ($Url in Split-List $env:FW_HEALTH) { Say 'health' "$(Get-HttpStatus $Url) $Url" }
foreach ($Database in Split-List $env:FW_DATABASES) { Say 'database' "$(Test-Tcp $Database) $Database" }
$Load = @(Split-List $env:FW_LOAD)
$Begun = [DateTime]::UtcNow
for ($At = 0; $At + 1 -lt $Load.Count; $At += 2) {
    $Until = $Begun.AddSeconds([int]$env:FW_LOAD_SECONDS * ($At + 2) / $Load.Count)
    $Url = $Load[$At + 1]
    $Expected = 0
    if ($Url -match '^([1-5][0-9][0-9])=(.*)$') { $Expected = [int]$Matches[1]; $Url = $Matches[2] }
    Say 'load' "$(Measure-Load $Load[$At] $Url $Until $Expected) $Url"
}
$Names = @($Hotfixes | Where-Object { $_ } | ForEach-Object { $_.HotFixID } | Sort-Object)
if ($Names) {
    $Digest = [Security.Cryptography.SHA256]::Create().ComputeHash([Text.Encoding]::UTF8.GetBytes(($Names -join "`n")))
    Say 'packages' ("$($Names.Count) " + [BitConverter]::ToString($Digest).Replace('-', '').ToLowerInvariant())
}

# What does not fit is left out by name; half a list would look like services that are gone.
$Room = 2300 - ($Answer | Measure-Object Length -Sum).Sum - $Answer.Count
$Order = 'packages', 'users', 'mounts', 'ports', 'services'
foreach ($Left in 0..$Order.Count) {
    $Cut = @($Order | Select-Object -First $Left)
    $Zipped = Compress-Text ((@(Get-Lists $Cut) -join "`n") + "`n")
    if ($Zipped.Length -le $Room) { break }
}
Say 'cut' ($Cut -join ' ')
if ($Left -lt $Order.Count) { $Answer.Add("z=$Zipped") }
Complete 'survey'
