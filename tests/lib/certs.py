"""Certificates by the openssl program: one CA, and what it signs."""

import os
import ssl
import subprocess

CONFIG = """
[ca]
default_ca = ours
[ours]
dir = {dir}
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[server]
basicConstraints = critical,CA:false
subjectAltName = {names}
{usage}
"""
# Valid long before any clock of the tests, so that clocks may be wrong.
SPAN = ["-startdate", "20000101000000Z", "-enddate", "20491231235959Z"]


class Authority:
    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)
        for name, text in (("index", ""), ("serial", "1000\n")):
            with open(f"{folder}/{name}", "w", encoding="ascii") as stream:
                stream.write(text)
        self.file = f"{folder}/ca.pem"
        self._key("ca")
        self._sign("ca", "tidepost test CA", "DNS:ca", "authority", True)

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, cwd=self.dir,
                       capture_output=True)

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout",
                      "-out", f"{name}.key")
        os.chmod(f"{self.dir}/{name}.key", 0o600)

    def _sign(self, name, subject, names, kind, own=False, span=None,
              usage=None):
        config = f"{self.dir}/{name}.conf"
        with open(config, "w", encoding="ascii") as stream:
            stream.write(CONFIG.format(
                dir=self.dir, names=names,
                usage=f"extendedKeyUsage = {usage}" if usage else ""))
        self._openssl("req", "-new", "-config", config, "-key",
                      f"{name}.key", "-subj", f"/CN={subject}", "-out",
                      f"{name}.csr")
        signer = ["-selfsign"] if own else ["-cert", "ca.pem"]
        self._openssl("ca", "-batch", "-notext", "-config", config,
                      *signer, "-keyfile", "ca.key", "-in", f"{name}.csr",
                      "-extensions", kind, *(span or SPAN), "-out",
                      f"{name}.pem")

    def issue(self, name, *hosts, span=None, usage=None):
        """(certificate file, key file) for the names and addresses HOSTS."""
        names = ",".join(
            ("IP:" if h.replace(".", "").isdigit() else "DNS:") + h
            for h in hosts)
        self._key(name)
        self._sign(name, hosts[0], names, "server", span=span,
                   usage=usage)
        return f"{self.dir}/{name}.pem", f"{self.dir}/{name}.key"


def client_context():
    """For clients of the tests that do not care who the server is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
