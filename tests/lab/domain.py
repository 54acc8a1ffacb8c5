"""Samba as an Active Directory domain controller: see the command `tests/lab/domain`."""
import inspect
import io
import pathlib
import shutil
import sys

import lab

REALM, DOMAIN = "EXAMPLE.TEST", "EXAMPLE"
BASE = "DC=example,DC=test"
ADMIN, ADMIN_PASSWORD = f"administrator@{REALM.lower()}", "Adm1n-Pass.99"
SERVICE, SERVICE_PASSWORD = f"gatepost@{REALM.lower()}", "Svc-Pass.1234"  # may replicate and see what was deleted
READER, READER_PASSWORD = f"reader@{REALM.lower()}", "Rdr-Pass.1234"      # an ordinary account
BROKEN_PASSWORD = "Usr-Pass.1234"  # of the accounts that cannot log on: disabled, expired, mustchange, accountexpired, locked

# name, OID below 1.2.840.113556.1, syntax, oMSyntax, searchFlags: what Exchange adds to the schema and Gatepost reads
ATTRIBUTES = (
    ("mailNickname", "2.447", "2.5.5.12", 64, 5),
    ("targetAddress", "2.352", "2.5.5.12", 64, 1),
    ("msExchHideFromAddressLists", "4.7000.102.73", "2.5.5.8", 1, 16),
    ("msExchRecipientDisplayType", "4.7000.102.50730", "2.5.5.9", 2, 1),
    ("msExchRecipientTypeDetails", "4.7000.102.50855", "2.5.5.16", 65, 1),
    ("msExchRequireAuthToSendTo", "4.5062", "2.5.5.8", 1, 0),
)

SETTINGS = """
[global]
    netbios name = DC1
    realm = {realm}
    workgroup = {domain}
    server role = active directory domain controller
    interfaces = {address}/8
    bind interfaces only = yes
    pid directory = {folder}/run
    ncalrpc dir = {folder}/run/ncalrpc
    winbindd socket directory = {folder}/run/winbindd
    ntp signd socket directory = {folder}/run/ntp_signd
    private dir = {folder}/private
    state directory = {folder}/state
    cache directory = {folder}/cache
    lock dir = {folder}/run
    log file = {folder}/log/log.%m
    log level = 1
    server services = rpc, ldap, cldap, kdc, dns
    disable spoolss = yes
    load printers = no
    idmap_ldb:use rfc2307 = yes
    old password allowed period = 0
    tls enabled = yes
    tls keyfile = {folder}/tls/key.pem
    tls certfile = {folder}/tls/cert.pem
    tls cafile = {folder}/tls/ca.pem
"""


def person(number):
    user = f"u{number:06d}"
    return (f"dn: CN=Person {number},OU=People{(number - 1) // 1000:03d},{BASE}\nobjectClass: user\n"
            f"sAMAccountName: {user}\nuserPrincipalName: {user}@example.test\nuserAccountControl: 544\n"
            f"displayName: Person {number}\nmail: {user}@example.test\n"
            f"proxyAddresses: SMTP:{user}@example.test\nproxyAddresses: smtp:first{number}.last{number}@example.test\n"
            f"proxyAddresses: smtp:{user}@alias.example.test\nproxyAddresses: X400:C=US;A= ;P=Lab;S=Last{number};\n\n")


def people(count):
    text = io.StringIO()
    for number in range(1, count + 1):
        if (number - 1) % 1000 == 0:
            unit = f"People{(number - 1) // 1000:03d}"
            text.write(f"dn: OU={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n")
        text.write(person(number))
    text.write(f"dn: OU=Elsewhere,{BASE}\nobjectClass: organizationalUnit\nou: Elsewhere\n\n")
    text.write(f"dn: CN=Partner,OU=Elsewhere,{BASE}\nobjectClass: contact\ndisplayName: Partner\n"
               "targetAddress: SMTP:partner@elsewhere.test\nmail: partner@example.test\n"
               "proxyAddresses: SMTP:partner@example.test\n\n")
    text.write(f"dn: CN=Staff,OU=Elsewhere,{BASE}\nobjectClass: group\nsAMAccountName: staff\n"
               "msExchRequireAuthToSendTo: TRUE\nmail: staff@example.test\nproxyAddresses: SMTP:staff@example.test\n\n")
    text.write(f"dn: CN=Folder,OU=Elsewhere,{BASE}\nobjectClass: publicFolder\ncn: Folder\n"
               "mail: folder@example.test\nproxyAddresses: SMTP:folder@example.test\n\n")
    return text.getvalue()


def schema():
    """Two parts: the second can only be read when the first is in force."""
    top = f"CN=Schema,CN=Configuration,{BASE}"
    first = "".join(
        f"dn: CN={name},{top}\nchangetype: add\nobjectClass: attributeSchema\nlDAPDisplayName: {name}\n"
        f"attributeID: 1.2.840.113556.1.{oid}\nattributeSyntax: {syntax}\noMSyntax: {om}\nisSingleValued: TRUE\n"
        f"searchFlags: {flags}\nisMemberOfPartialAttributeSet: TRUE\n\n" for name, oid, syntax, om, flags in ATTRIBUTES)
    second = (f"dn: CN=Mail-Recipient,{top}\nchangetype: modify\nadd: mayContain\n" +
              "".join(f"mayContain: {attribute[0]}\n" for attribute in ATTRIBUTES) +
              # Without the right for authenticated users its objects could not be seen by an ordinary account.
              f"\ndn: CN=publicFolder,{top}\nchangetype: add\nobjectClass: classSchema\nlDAPDisplayName: publicFolder\n"
              "governsID: 1.2.840.113556.1.3.15\nsubClassOf: top\nauxiliaryClass: mailRecipient\n"
              "objectClassCategory: 1\nrDNAttID: cn\nmayContain: displayName\nmayContain: mail\n"
              "possSuperiors: container\npossSuperiors: organizationalUnit\n"
              "defaultSecurityDescriptor: D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)"
              f"(A;;RPLCLORC;;;AU)\ndefaultObjectCategory: CN=publicFolder,{top}\n\n")
    return first, second


class Domain(lab.Server):
    """The ports are Samba's: 389 and 636 on its address."""

    ports = (389, 636)

    def __init__(self, folder, address="127.0.0.30"):
        super().__init__(folder, address)

    @property
    def settings(self):
        return self.folder / "smb.conf"

    @property
    def database(self):
        return self.folder / "private" / "sam.ldb"

    def make(self, count):
        """A domain with so many people in an empty folder: a copy, when one of that size and address was made before."""
        inputs = [inspect.getsource(sys.modules[__name__]), str(count), self.address]  # its DNS has the address
        stored = lab.cached("domain", inputs, lambda folder: Domain(folder, self.address).provision(count))
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in ("private", "state"):
            lab.run("cp", "-a", "--sparse=always", stored / part, self.folder / part)
        self.configure()
        self.new_certificate()
        return self

    def configure(self):
        for part in ("run", "log", "cache"):
            (self.folder / part).mkdir(exist_ok=True)
        self.settings.write_text(
            SETTINGS.format(realm=REALM, domain=DOMAIN, address=self.address, folder=self.folder), encoding="ascii")

    def provision(self, count):
        """From nothing; some ten seconds and two for each thousand people."""
        for part in ("run", "log", "cache"):
            (self.folder / part).mkdir(exist_ok=True)
        seed = self.folder / "seed.conf"
        seed.write_text(SETTINGS.format(realm=REALM, domain=DOMAIN, address=self.address, folder=self.folder),
                        encoding="ascii")
        # mdb because its index is in order: "uSNChanged at least N" is then as quick as on a Windows server.
        lab.run("samba-tool", "domain", "provision", "-s", seed, f"--targetdir={self.folder}", f"--realm={REALM}",
                f"--domain={DOMAIN}", "--server-role=dc", "--host-name=dc1", f"--host-ip={self.address}",
                "--dns-backend=SAMBA_INTERNAL", f"--adminpass={ADMIN_PASSWORD}", "--backend-store=mdb")
        shutil.rmtree(self.folder / "etc", ignore_errors=True)
        self.configure()
        for part in schema():
            lab.run("ldbmodify", "-H", self.database, "--option=dsdb:schema update allowed=true", stdin=part)
        self.load(people(count))
        self.make_accounts()

    def open(self):
        """The database itself, past every right; the server need not run."""
        from samba.auth import system_session
        from samba.param import LoadParm
        from samba.samdb import SamDB
        settings = LoadParm()
        settings.load(str(self.settings))
        return SamDB(url=str(self.database), session_info=system_session(), lp=settings, options=["batch_mode:1"])

    def load(self, ldif):
        database = self.open()
        database.transaction_start()
        for number, (_, message) in enumerate(database.parse_ldif(ldif), 1):
            database.add(message)
            if number % 1000 == 0:
                database.transaction_commit()
                database.transaction_start()
        database.transaction_commit()

    def tool(self, *arguments):
        return lab.run("samba-tool", *arguments, "-s", self.settings, "-H", self.database)

    def make_accounts(self):
        for name, password in (("gatepost", SERVICE_PASSWORD), ("reader", READER_PASSWORD)):
            self.tool("user", "create", name, password)
            self.tool("user", "setexpiry", name, "--noexpiry")
        for name in ("disabled", "expired", "mustchange", "accountexpired", "locked"):
            self.tool("user", "create", name, BROKEN_PASSWORD)
        self.tool("user", "disable", "disabled")
        self.tool("user", "setexpiry", "accountexpired", "--days=-1")
        self.tool("domain", "passwordsettings", "set", "--account-lockout-threshold=3")
        self.set_password_time("mustchange", 0)
        self.set_password_time("expired", 116444736000000000)
        self.grant("gatepost")

    def set_password_time(self, name, time):
        controls = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"  # the system's own attribute, as replication would write it
        lab.run("ldbmodify", "-H", self.database, f"--controls={controls}",
                stdin=f"dn: CN={name},CN=Users,{BASE}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {time}\n")

    def grant(self, name):
        """Replicating Directory Changes, and to see CN=Deleted Objects."""
        import ldb
        from samba.dcerpc import security
        from samba.ndr import ndr_pack, ndr_unpack
        database = self.open()
        found = database.search(expression=f"(sAMAccountName={name})", attrs=["objectSid"])
        sid = ndr_unpack(security.dom_sid, found[0]["objectSid"][0])
        for where, ace in ((BASE, f"(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{sid})"),
                           (f"CN=Deleted Objects,{BASE}", f"(A;CI;LCRPRC;;;{sid})")):
            entry = ldb.Dn(database, where)
            found = database.search(base=entry, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"],
                                    controls=["show_deleted:1", "sd_flags:1:4"])
            descriptor = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])
            descriptor.dacl_add(security.descriptor.from_sddl(f"D:{ace}", security.dom_sid(database.get_domain_sid()))
                                .dacl.aces[0])
            change = ldb.Message(entry)
            change["nTSecurityDescriptor"] = ldb.MessageElement(ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE,
                                                                "nTSecurityDescriptor")
            database.modify(change, ["show_deleted:1", "sd_flags:1:4"])

    def set_password(self, name, password):
        self.tool("user", "setpassword", name, f"--newpassword={password}")

    def start(self):
        return self.spawn("/usr/sbin/samba", "-F", "--no-process-group", "-M", "standard", "-s", self.settings)

    def save(self, folder):
        """A copy of the stopped domain, as from a backup."""
        lab.run("cp", "-a", "--sparse=always", self.folder / "private", pathlib.Path(folder))

    def restore(self, folder):
        shutil.rmtree(self.folder / "private")
        lab.run("cp", "-a", "--sparse=always", pathlib.Path(folder), self.folder / "private")
