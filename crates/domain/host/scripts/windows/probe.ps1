
# Asks whether others can rely on the host; as on Linux.
foreach ($Command in @($env:FW_COMMAND_1, $env:FW_COMMAND_2, $env:FW_COMMAND_3, $env:FW_COMMAND_4)) {
    if (-not $Command) { continue }
    $global:LASTEXITCODE = 0
    try {
        $Block = [scriptblock]::Create($Command)
        & { Set-StrictMode -Off; & $Block | Out-Default }
    } catch {
        [Console]::Out.Write("probe: $($_.Exception.Message) of $Command`n")
        exit 1
    }
    if ($global:LASTEXITCODE -ne 0) {
        [Console]::Out.Write("probe: exit code $($global:LASTEXITCODE) of $Command`n")
        exit 1
    }
}
foreach ($Url in Split-List $env:FW_HEALTH) {
    $Status = [int](Get-HttpStatus $Url)
    if ($Status -lt 200 -or $Status -ge 400) {
        [Console]::Out.Write("probe: $Status from $Url`n")
        exit 1
    }
}
[Console]::Out.Write("probe: passed`n")
