# The HTTP status of an address; 000 when nothing answered.
function Get-HttpStatus([string]$Url) {
    try {
        $Request = [Net.WebRequest]::Create($Url)
        $Request.AllowAutoRedirect = $false
        $Request.Timeout = 5000
        $Response = $Request.GetResponse()
        [int]$Response.StatusCode
        $Response.Close()
    } catch {
        $Failure = $_.Exception
        while ($Failure -and $Failure -isnot [Net.WebException]) { $Failure = $Failure.InnerException }
        if ($Failure -and $Failure.Response) { [int]$Failure.Response.StatusCode } else { '000' }
    }
}

