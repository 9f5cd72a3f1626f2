
# Reboots at most once: FW_EXPECT maps instance ids to the boot each was last seen in.
# Exit status 3010 asks the agent to reboot and to run all of this again from the top.
function Stop-Here([string]$Result, [string]$Reason, [int]$Status) {
    Say 'result' $Result
    Say 'reason' $Reason
    Complete 'reboot'
    exit $Status
}

$Now = Get-BootId
Say 'boot_id' $Now
Say 'run' $env:FW_RUN
$Expected = ''
foreach ($Entry in Split-List $env:FW_EXPECT) {
    $Id, $Boot = $Entry -split '=', 2
    if ($Id -eq $env:AWS_SSM_INSTANCE_ID) { $Expected = $Boot }
}
if (-not $Now) { Stop-Here 'refused' 'no-boot-id' 0 }
if (-not $Expected) { Stop-Here 'refused' 'not-expected-here' 0 }
Say 'before' $Expected
if ($Now.Substring(0, 4) -ne $Expected.Substring(0, [Math]::Min(4, $Expected.Length))) {
    Stop-Here 'refused' 'boot-ids-not-comparable' 0
}
$Same = $Now -eq $Expected
if (-not $Same -and $Now.StartsWith('cim-')) {
    # The time of boot moves by seconds when the clock is set; no reboot takes less than two minutes twice.
    $Times = $Now, $Expected | ForEach-Object { [datetime]::ParseExact($_.Substring(4), 'yyyyMMddHHmmss', $Invariant) }
    $Same = [Math]::Abs(($Times[0] - $Times[1]).TotalSeconds) -lt 120
}
if (-not $Same) { Stop-Here 'rebooted' '' 0 }

# A volatile key is gone after the next boot.
$Path = 'SOFTWARE\fleetwright-reboot'
$Local = [Microsoft.Win32.Registry]::LocalMachine
if (Read-Fact { $Local.OpenSubKey($Path) }) { Stop-Here 'pending' '' 0 }

$Need = 'yes force'
if ($env:FW_STRATEGY -eq 'conditional') { $Need = Get-PendingReboot }
elseif ($env:FW_STRATEGY -ne 'force') { Stop-Here 'refused' 'unknown-strategy' 0 }
Say 'need' ($Need -split ' ', 2)[0]
Say 'evidence' ($Need -split ' ', 2)[1]
if ($Need -like 'no *') { Stop-Here 'not_needed' '' 0 }

# "Unknown" counts as needed. Without the mark nothing would stop a second reboot: no mark, no reboot.
$Mark = Read-Fact {
    $Local.CreateSubKey($Path, [Microsoft.Win32.RegistryKeyPermissionCheck]::Default, [Microsoft.Win32.RegistryOptions]::Volatile)
}
if (-not $Mark) { Stop-Here 'refused' 'no-marker' 0 }
Stop-Here 'rebooting' '' 3010
