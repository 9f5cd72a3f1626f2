"""A real kubectl in front of the estate: TLS before the estate's plain HTTP, a kubeconfig that the AWS CLI writes, and
tokens that the AWS CLI makes for each command."""

import datetime
import ipaddress
import os
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import threading

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from estate import Clients, role_of

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: The wait for one command, by the wall clock.
PATIENCE = 120


def program():
    """kubectl: FLEETWRIGHT_KUBECTL, or the one that `cargo xtask test --only referee` unpacked from Debian's package."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    unpacked = target / "tools" / "debian" / "kubernetes-client" / "usr" / "bin" / "kubectl"
    found = pathlib.Path(os.environ.get("FLEETWRIGHT_KUBECTL", unpacked))
    assert found.exists(), f"{found} is missing: run `cargo xtask test --only referee`, or set FLEETWRIGHT_KUBECTL"
    return found


class Authority:
    """A certificate authority for one test session, and a certificate of it for 127.0.0.1."""

    def __init__(self, directory):
        self.certificate = directory / "authority.pem"
        self.server = directory / "server.pem"
        own, key = self._certificate("referee authority")
        self.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        served, server_key = self._certificate("127.0.0.1", (own, key))
        plain = serialization.NoEncryption()
        private = server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
        )
        self.server.write_bytes(private + served.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _certificate(name, issuer=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        if issuer:
            address = x509.IPAddress(ipaddress.ip_address(name))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


class Terminator:
    """TLS on a port of its own before a plain one: what comes in goes on, byte by byte."""

    def __init__(self, certificate, endpoint):
        self.target = endpoint
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self._context.wrap_socket(plain, server_side=True) as client:
                with socket.create_connection(self.target) as server:
                    self._pass_on(client, server)
        except OSError:
            # Whoever broke off has been told by the connection's end.
            plain.close()

    @staticmethod
    def _pass_on(client, server):
        other = {client: server, server: client}
        while True:
            # What TLS has read already does not show on the socket. One thread has both ends, for TLS is not for two.
            ready = [client] if client.pending() else select.select([client, server], [], [])[0]
            for source in ready:
                piece = source.recv(65536)
                if not piece:
                    return
                other[source].sendall(piece)

    def stop(self):
        self._listener.close()


class Kubectl:
    """kubectl with the configuration that `aws eks update-kubeconfig` writes for a cluster of the estate."""

    def __init__(self, estate, cluster, directory):
        self.path = program()
        self.directory = directory
        self.configuration = directory / "kubeconfig"
        authority = Authority(directory)
        host, port = estate.endpoint.removeprefix("http://").split(":")
        self.terminator = Terminator(authority.server, (host, int(port)))
        clients, zone = Clients(estate), estate.zones[0]
        keys = clients.hub("sts").assume_role(**role_of(zone))["Credentials"]
        found = clients.zone("eks", zone).describe_cluster(name=cluster)["cluster"]
        self.environment = {
            **estate.environment,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_REGION": zone["regions"][0],
            "KUBECONFIG": str(self.configuration),
            # The exec plugin of the configuration is `aws`, which stands beside this Python.
            "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
        }
        self.cluster = cluster
        self._run(["aws", "eks", "update-kubeconfig", "--name", cluster])
        # Clusters take tokens of STS's own addresses only; the CLI makes them without asking anybody.
        self.environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
        #: What the cluster's paths begin with.
        self.base = found["endpoint"].removeprefix(estate.endpoint)
        document = yaml.safe_load(self.configuration.read_text())
        # Not by `kubectl config`: Debian 12's build panics while it writes some configurations.
        document["clusters"][0]["cluster"] = {
            "server": f"https://127.0.0.1:{self.terminator.port}{self.base}",
            "certificate-authority": str(authority.certificate),
        }
        self.configuration.write_text(yaml.safe_dump(document))

    def configured_with(self, token):
        """The path of a configuration like this one, but with this token for everything."""
        document = yaml.safe_load(self.configuration.read_text())
        document["users"][0]["user"] = {"token": token}
        path = self.directory / "other-kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path

    def _run(self, command, code=0, stdin=None):
        ended = subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == code, (command, ended.returncode, ended.stdout, ended.stderr)
        return ended

    def __call__(self, *arguments, code=0, stdin=None):
        """A command and how it ended; fails where it ends with another code."""
        return self._run([self.path, *arguments], code, stdin)

    def token(self):
        """The document with a token that the AWS CLI makes for the cluster."""
        return self._run(["aws", "eks", "get-token", "--cluster-name", self.cluster, "--output", "json"])

    def rows(self, *arguments):
        """The rows of a table as dictionaries by heading. Cells of these tests hold no two spaces in a row."""
        lines = self(*arguments).stdout.splitlines()
        starts = [at for at, letter in enumerate(lines[0]) if letter != " " and (at == 0 or lines[0][at - 2 : at] == "  ")]
        ends = [*starts[1:], None]
        cut = [[line[start:end].strip() for start, end in zip(starts, ends, strict=True)] for line in lines]
        return [dict(zip(cut[0], cells, strict=True)) for cells in cut[1:]]

    def stop(self):
        self.terminator.stop()
