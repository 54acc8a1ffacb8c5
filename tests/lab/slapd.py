"""OpenLDAP's slapd with syncprov: see the command `tests/lab/slapd`."""
import pathlib

import lab

ADMIN, ADMIN_PASSWORD = f"cn=admin,{lab.BASE}", "admin-secret"
SERVICE, SERVICE_PASSWORD = f"cn=gatepost,{lab.BASE}", "gatepost-secret"
LIMITED, LIMITED_PASSWORD = f"cn=limited,{lab.BASE}", "limited-secret"  # gets at most 500 entries of a search
PEOPLE = f"ou=people,{lab.BASE}"

# Exchange's attribute with a matching rule, so that it can be searched for, and a class that may have it.
SCHEMA = """
attributetype ( 1.2.840.113556.1.2.210 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.32473.1.1 NAME 'labMailRecipient' SUP top AUXILIARY MAY ( proxyAddresses $ mail ) )
"""

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/lab.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile {folder}/slapd.pid
TLSCACertificateFile {tls}/ca.pem
TLSCertificateFile {tls}/cert.pem
TLSCertificateKeyFile {tls}/key.pem
sizelimit 500
loglevel stats
idletimeout {idle}
database monitor
access to * by dn.exact="{admin}" read by * none
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/db
maxsize 4294967296
index objectClass,entryUUID,entryCSN,uid,mail,proxyAddresses eq
limits dn.exact="{service}" size=unlimited time=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by dn.exact="{limited}" read by * none
overlay syncprov
syncprov-checkpoint 100 10
syncprov-sessionlog {sessionlog}
"""


def person(number, more=0):
    """LDIF of one person with three addresses, or more."""
    user = f"u{number:06d}"
    others = "".join(f"proxyAddresses: smtp:{user}@other{other}.example.test\n" for other in range(more))
    return (f"dn: uid={user},{PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: labMailRecipient\nuid: {user}\n"
            f"cn: Person {number}\nsn: Person{number}\nmail: {user}@example.test\n"
            f"proxyAddresses: SMTP:{user}@example.test\nproxyAddresses: smtp:first{number}.last{number}@example.test\n"
            f"proxyAddresses: smtp:{user}@alias.example.test\n{others}"
            f"proxyAddresses: X400:C=US;A= ;P=Lab;S=Last{number};\n\n")


def tree():
    accounts = ((SERVICE, SERVICE_PASSWORD), (LIMITED, LIMITED_PASSWORD))
    text = f"dn: {lab.BASE}\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example\n\n"
    text += f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n"
    text += f"dn: ou=left,{lab.BASE}\nobjectClass: organizationalUnit\nou: left\n\n"
    for name, password in accounts:
        text += (f"dn: {name}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
                 f"cn: {name[3:].split(',')[0]}\nuserPassword: {password}\n\n")
    return text


class Slapd(lab.Server):
    def __init__(self, folder, address="127.0.0.1", port=13389, tls_port=13636):
        super().__init__(folder, address)
        self.ports = (port, tls_port)
        self.idle = 0
        self.sessionlog = 10000
        self.log = "stats"  # one line an operation, from which questions can be counted

    def make(self, people, more=0):
        """A new tree with so many people of three addresses, or more, in an empty folder."""
        (self.folder / "db").mkdir(parents=True)
        self.new_certificate()
        (self.folder / "lab.schema").write_text(SCHEMA, encoding="ascii")
        self.configure()
        (self.folder / "tree.ldif").write_text(
            tree() + "".join(person(number, more) for number in range(1, people + 1)), encoding="utf-8")
        lab.run("/usr/sbin/slapadd", "-q", "-f", self.folder / "slapd.conf", "-l", self.folder / "tree.ldif")
        return self

    def configure(self):
        (self.folder / "slapd.conf").write_text(CONFIGURATION.format(
            folder=self.folder, tls=self.tls, base=lab.BASE, admin=ADMIN, password=ADMIN_PASSWORD, service=SERVICE,
            limited=LIMITED, idle=self.idle, sessionlog=self.sessionlog), encoding="ascii")

    def start(self):
        self.configure()
        plain, tls = self.ports
        # -d keeps it in the foreground.
        return self.spawn("/usr/sbin/slapd", "-f", self.folder / "slapd.conf", "-d", self.log,
                          "-h", f"ldap://{self.address}:{plain} ldaps://{self.address}:{tls}")

    def searches(self):
        """How many searches it was asked since it was made."""
        return pathlib.Path(self.folder / "output").read_text(errors="replace").count(" SRCH base=")
