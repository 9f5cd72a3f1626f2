# Every script begins with this: how an answer is written. Windows PowerShell 5.1.
# What Systems Manager hands back is cut at 2,500 characters, so the last line counts the others.
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$Invariant = [Globalization.CultureInfo]::InvariantCulture
$Answer = New-Object System.Collections.Generic.List[string]

# One line of the answer. What is not known is not said.
function Say([string]$Key, [object]$Value) {
    $Text = [regex]::Replace([string]$Value, '[^\x20-\x7e]', '?')
    if ($Text.Length -gt 160) { $Text = $Text.Substring(0, 160) }
    if ($Text) { $Answer.Add("$Key=$Text") }
}

# The value of a block; nothing when it fails, because a fact that cannot be read is not said.
function Read-Fact([scriptblock]$Read) {
    try { & $Read } catch { $null }
}

# Straight to standard output: the formatter might break long lines.
function Complete([string]$Name) {
    $Lines = @("fleetwright/$Name/1") + $Answer.ToArray() + @("end=$($Answer.Count)")
    [Console]::Out.Write(($Lines -join "`n") + "`n")
}

function Split-List([string]$Text) {
    @($Text -split ' ' | Where-Object { $_ })
}

# Which boot this is. The log record of the start does not move when the clock is set, as
# LastBootUpTime does; the two kinds cannot be compared with each other.
function Get-BootId {
    $Start = Read-Fact {
        Get-WinEvent -MaxEvents 1 -FilterHashtable @{
            LogName = 'System'; ProviderName = 'Microsoft-Windows-Kernel-General'; Id = 12
        }
    }
    $Booted = Read-Fact { (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime() }
    # A record that is older than the boot was written by an earlier one.
    if ($Start -and $Booted -and [Math]::Abs(($Start.TimeCreated.ToUniversalTime() - $Booted).TotalMinutes) -lt 10) {
        return 'log-{0}-{1}' -f $Start.RecordId, $Start.TimeCreated.ToUniversalTime().ToString('yyyyMMddHHmmss', $Invariant)
    }
    if ($Booted) { return 'cim-' + $Booted.ToString('yyyyMMddHHmmss', $Invariant) }
}
