
# yes, no or unknown, and what says so: the registry's three marks of a reboot that is due.
function Get-PendingReboot {
    try {
        $Servicing = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
        $Update = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
        if (Test-Path $Servicing) { return 'yes component-based-servicing' }
        if (Test-Path $Update) { return 'yes windows-update' }
        $Session = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
        if (@($Session.PSObject.Properties.Name) -contains 'PendingFileRenameOperations') {
            return 'yes pending-file-rename'
        }
        'no registry'
    } catch {
        'unknown registry-unreadable'
    }
}
