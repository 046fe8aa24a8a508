#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {

inline std::ostream& operator<<(std::ostream& out, const VsphereDatastore& datastore) {
    return out << datastore.datacenter << " / " << datastore.name << " / " << datastore.weight;
}

namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// A named vSphere store that lacks nothing, with `more` lines in its section.
std::string vsphere_file(
    const std::string& more, const std::string& datastores = "vmware_datastores = DC0:ds1\n"
) {
    return "[DEFAULT]\nenabled_backends = vc:vmware\n[vc]\nvmware_server_host = vcenter.example\n"
           "vmware_server_username = images\nvmware_server_password = canary\n" +
           datastores + more;
}

class ConfigStores : public testing::Test {
protected:
    // The vSphere store of a file that is right.
    VsphereStoreConfig vsphere(const std::string& text) {
        const auto report = folder.read(text);
        EXPECT_THAT(folder.lines_of(report), IsEmpty());
        if (!report.config) return {};
        return std::get<VsphereStoreConfig>(report.config->stores.at(0).backend);
    }

    ConfigFolder folder;
};

TEST_F(ConfigStores, AreReadAsKollaWritesThem) {
    const auto report = folder.read(
        "[DEFAULT]\n"
        "debug = False\n"
        "log_file = /var/log/kolla/glance/glance-api.log\n"
        "worker_self_reference_url = http://192.0.2.5:9292\n"
        "bind_host = 127.0.0.1\n"
        "bind_port = 9292\n"
        "workers = 5\n"
        "enabled_backends = file:file, http:http, vmware:vmware\n"
        "cinder_catalog_info = volume:cinder:internalURL\n"
        "[database]\n"
        "connection = sqlite:////var/lib/slipway/catalog.db\n"
        "connection_recycle_time = 10\n"
        "[keystone_authtoken]\n"
        "www_authenticate_uri = http://192.0.2.4:5000\n"
        "password = canary\n"
        "[glance_store]\n"
        "default_backend = \"vmware\"\n"
        "[file]\n"
        "filesystem_store_datadir = /var/lib/glance/images/\n"
        "[vmware]\n"
        "vmware_server_host = 192.0.2.9\n"
        "vmware_server_username = admin@vsphere.local\n"
        "vmware_server_password = pa$$word:1\n"
        "vmware_datastores = \"Datacenter:datastore1\"\n"
        "vmware_insecure = True\n"
        "[os_glance_tasks_store]\n"
        "filesystem_store_datadir = /var/lib/glance/tasks_work_dir\n"
        "[os_glance_staging_store]\n"
        "filesystem_store_datadir = /var/lib/glance/staging\n"
        "[oslo_middleware]\n"
        "enable_proxy_headers_parsing = True\n"
        "[oslo_messaging_notifications]\n"
        "transport_url = rabbit://openstack:canary@192.0.2.4:5672//\n"
        "driver = noop\n"
    );
    ASSERT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
    ASSERT_THAT(report.config->stores, SizeIs(3));
    EXPECT_EQ(report.config->stores[0].id.str(), "file");
    EXPECT_FALSE(report.config->stores[0].is_default);
    EXPECT_FALSE(report.config->stores[1].takes_images());
    const StoreConfig& store = report.config->stores[2];
    EXPECT_EQ(store.id.str(), "vmware");
    EXPECT_TRUE(store.is_default);
    const auto& vsphere = std::get<VsphereStoreConfig>(store.backend);
    EXPECT_EQ(vsphere.host, "192.0.2.9");
    EXPECT_EQ(vsphere.port, 443);
    EXPECT_EQ(vsphere.username, "admin@vsphere.local");
    EXPECT_EQ(vsphere.password.reveal(), "pa$word:1");
    EXPECT_TRUE(vsphere.trust.insecure);
    EXPECT_THAT(vsphere.datastores, ElementsAre(VsphereDatastore{"Datacenter", "datastore1", 0}));
    EXPECT_EQ(vsphere.image_directory, "openstack_glance");
    const auto findings = folder.lines_of(report);
    EXPECT_THAT(
        findings, Contains(HasSubstr("[DEFAULT] workers has no effect: slipway is one process"))
    );
    EXPECT_THAT(findings, Contains(HasSubstr("vmware_insecure is true")));
    EXPECT_THAT(findings, Not(Contains(HasSubstr("os_glance_"))));
    EXPECT_THAT(findings, Not(Contains(HasSubstr("canary"))));
}

TEST_F(ConfigStores, AreReadAsDevstackWritesThem) {
    const auto report = folder.read(
        "[DEFAULT]\n"
        "enabled_import_methods = [\"glance-direct\", \"web-download\"]\n"
        "enabled_backends = robust:file, fast:file, cheap:file\n"
        "show_multiple_locations = True\n"
        "bind_host = 127.0.0.1\n"
        "[glance_store]\n"
        "stores = file,http,swift\n"
        "default_backend = fast\n"
        "filesystem_store_datadir = /opt/stack/data/glance/images/\n"
        "[robust]\n"
        "filesystem_store_datadir = /opt/stack/data/glance/robust\n"
        "[fast]\n"
        "filesystem_store_datadir = /opt/stack/data/glance/fast\n"
        "store_description = Fast, \"local\" disks\n"
        "weight = 100\n"
        "[cheap]\n"
        "filesystem_store_datadir = /opt/stack/data/glance/cheap\n"
        "boot_form = off\n"
    );
    ASSERT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
    ASSERT_THAT(report.config->stores, SizeIs(3));
    EXPECT_EQ(report.config->stores[1].id.str(), "fast");
    EXPECT_TRUE(report.config->stores[1].is_default);
    EXPECT_EQ(report.config->stores[1].weight, 100);
    EXPECT_EQ(report.config->stores[1].description, "Fast, \"local\" disks");
    EXPECT_EQ(report.config->stores[1].boot_form, BootFormMode::sparse);
    EXPECT_EQ(report.config->stores[2].boot_form, BootFormMode::off);
    EXPECT_THAT(
        std::get<FileStoreConfig>(report.config->stores[1].backend).folders,
        ElementsAre(DataFolder{"/opt/stack/data/glance/fast", 0})
    );
}

TEST_F(ConfigStores, AreReadAsOpenstackHelmWritesThem) {
    const auto report = folder.read(
        "[DEFAULT]\n"
        "log_config_append = /etc/glance/logging.conf\n"
        "bind_port = 9292\n"
        "[glance_store]\n"
        "default_store = vmware\n"
        "stores = file,http,vmware\n"
        "filesystem_store_datadir = /var/lib/glance/images\n"
        "vmware_server_host = [2001:db8::9]:8443\n"
        "vmware_server_username = images\n"
        "vmware_server_password = canary\n"
        "vmware_datastores = /folder/DC0:ds1:10\n"
        "vmware_datastores = /folder/DC0:ds2:20\n"
        "vmware_store_image_dir = /openstack/glance/\n"
        "vmware_api_retry_count = 3\n"
        "vmware_task_poll_interval = 5\n"
    );
    ASSERT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
    ASSERT_THAT(report.config->stores, SizeIs(2));
    EXPECT_EQ(report.config->stores[1].id.str(), "http");
    EXPECT_EQ(report.config->stores[0].id.str(), "vmware");
    EXPECT_TRUE(report.config->stores[0].is_default);
    const auto& vsphere = std::get<VsphereStoreConfig>(report.config->stores[0].backend);
    EXPECT_EQ(vsphere.host, "2001:db8::9");
    EXPECT_EQ(vsphere.port, 8443);
    EXPECT_EQ(vsphere.retries, 3);
    EXPECT_EQ(vsphere.image_directory, "openstack/glance");
    EXPECT_THAT(
        vsphere.datastores,
        ElementsAre(
            VsphereDatastore{"/folder/DC0", "ds1", 10}, VsphereDatastore{"/folder/DC0", "ds2", 20}
        )
    );
    EXPECT_THAT(
        folder.lines_of(report),
        Contains("slipway.conf:15: [glance_store] vmware_task_poll_interval has no effect: slipway "
                 "waits for the server's own "
                 "updates")
    );
}

TEST_F(ConfigStores, SplitDatastoresFromTheRight) {
    const auto store = vsphere(vsphere_file(
        "",
        "vmware_datastores = a:b:c:5\nvmware_datastores = DC0 : name with blanks : "
        "-3\nvmware_datastores = DC0:x:\n"
    ));
    EXPECT_THAT(
        store.datastores,
        ElementsAre(
            VsphereDatastore{"a:b", "c", 5},
            VsphereDatastore{"DC0", "name with blanks", -3},
            VsphereDatastore{"DC0", "x", 0}
        )
    );
}

TEST_F(ConfigStores, ReportEachWrongDatastoreWithItsLine) {
    EXPECT_THAT(
        folder.findings(vsphere_file(
            "",
            "vmware_datastores = DC0:good:1\nvmware_datastores = DC0\nvmware_datastores = a:b:ds\n"
            "vmware_datastores = :ds:1\nvmware_datastores = DC0:good:2\n"
        )),
        ElementsAre(
            StartsWith(
                "slipway.conf:8: [vc] vmware_datastores is \"DC0\"; write datacenter:datastore"
            ),
            StartsWith("slipway.conf:9: [vc] vmware_datastores is \"a:b:ds\""),
            StartsWith("slipway.conf:10: [vc] vmware_datastores is \":ds:1\""),
            "slipway.conf:11: [vc] vmware_datastores names \"DC0:good:2\" twice; remove one"
        )
    );
}

TEST_F(ConfigStores, NameEverythingThatAVsphereStoreLacks) {
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_backends = vc:vsphere\n"),
        ElementsAre(
            "[vc] vmware_server_host is missing; write the name of the vCenter or ESXi host",
            HasSubstr("vmware_server_username is missing"),
            HasSubstr("vmware_server_password is missing"),
            HasSubstr("vmware_datastores is missing")
        )
    );
}

TEST_F(ConfigStores, TakeThePasswordFromAFileOrFromSystemd) {
    const std::string head =
        "[DEFAULT]\nenabled_backends = vc:vmware\n[vc]\nvmware_server_host = "
        "h\nvmware_server_username = u\n"
        "vmware_datastores = DC0:ds\nvmware_server_password_file = ";
    const std::string file = folder.write("credentials/vcenter-password", "s3cr3t $ x\n");
    EXPECT_EQ(vsphere(head + file + "\n").password.reveal(), "s3cr3t $ x");
    EXPECT_THAT(
        folder.findings(head + "vcenter-password\n"),
        ElementsAre(HasSubstr("$CREDENTIALS_DIRECTORY, which is not set"))
    );
    folder.sources.environment = {{"CREDENTIALS_DIRECTORY", folder.path("credentials")}};
    EXPECT_EQ(vsphere(head + "vcenter-password\n").password.reveal(), "s3cr3t $ x");
    EXPECT_THAT(folder.findings(head + "absent\n"), ElementsAre(HasSubstr("can not be read")));
    folder.write("credentials/two", "a\nb\n");
    EXPECT_THAT(folder.findings(head + "two\n"), ElementsAre(HasSubstr("does not hold one line")));
}

TEST_F(ConfigStores, ReadTheTrustInACertificate) {
    const std::string thumbprint =
        "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:"
        "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89";
    const std::string ca_file = folder.write("ca.pem", "ca");
    const auto store = vsphere(
        vsphere_file("vmware_thumbprint = " + thumbprint + "\nvmware_ca_file = " + ca_file + "\n")
    );
    EXPECT_THAT(
        store.trust.sha256_thumbprints,
        ElementsAre("abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789")
    );
    EXPECT_EQ(store.trust.ca_file, ca_file);
    EXPECT_FALSE(store.trust.insecure);
    EXPECT_THAT(
        folder.findings(vsphere_file("vmware_thumbprint = AB:CD\nvmware_ca_file = /absent\n")),
        ElementsAre(
            HasSubstr("vmware_ca_file names \"/absent\""), HasSubstr("64 hexadecimal digits")
        )
    );
    EXPECT_THAT(
        folder.findings(
            vsphere_file("vmware_insecure = yes\nvmware_thumbprint = " + thumbprint + "\n")
        ),
        ElementsAre(HasSubstr("vmware_insecure is true beside vmware_thumbprint"))
    );
    EXPECT_THAT(
        folder.findings(vsphere_file("vmware_insecure = flase\n")),
        ElementsAre(HasSubstr("vmware_insecure is \"flase\", which is no boolean"))
    );
}

TEST_F(ConfigStores, ReadWhereAndHowManyClonesAreMade) {
    const auto store =
        vsphere(vsphere_file("clone_targets = DC0:ds1\nclone_targets = "
                             "/a:b/DC1:*\nclone_max_per_datastore = 2\nclone_max_per_host = 3\n"
                             "direct_transfer = no\nesx_port = 8989\n"));
    EXPECT_THAT(
        store.clone_targets,
        ElementsAre(CloneTargetRule{"DC0", "ds1"}, CloneTargetRule{"/a:b/DC1", ""})
    );
    EXPECT_EQ(store.clones_per_datastore, 2U);
    EXPECT_EQ(store.clones_per_host, 3U);
    EXPECT_FALSE(store.direct_transfer);
    EXPECT_EQ(store.esx_port, 8989);
    EXPECT_THAT(
        folder.findings(vsphere_file("clone_targets = DC0\n")),
        ElementsAre(HasSubstr("write datacenter:datastore"))
    );
}

TEST_F(ConfigStores, RefuseServersAndFoldersThatAreNone) {
    for (const char* host :
         {"https://vcenter",
          "user@vcenter",
          "vcenter:0",
          "vcenter:99999",
          "vcenter:x",
          "[::1",
          "a b"}) {
        folder.sources.environment = {{"OS_VC__VMWARE_SERVER_HOST", host}};
        EXPECT_THAT(
            folder.findings(vsphere_file("")), ElementsAre(HasSubstr("vmware_server_host is \""))
        ) << host;
    }
    folder.sources.environment = {};
    for (const char* directory : {"/", "..", "a/../b", "[ds] x", "a\\b"}) {
        EXPECT_THAT(
            folder.findings(
                vsphere_file("vmware_store_image_dir = " + std::string(directory) + "\n")
            ),
            ElementsAre(HasSubstr("vmware_store_image_dir is no folder name"))
        ) << directory;
    }
}

TEST_F(ConfigStores, ReadSeveralFoldersWithPriorities) {
    const auto report = folder.read(
        "[DEFAULT]\nenabled_backends = f:file\n[f]\nfilesystem_store_datadirs = "
        "/a:100\nfilesystem_store_datadirs = /b:c:7\n"
        "filesystem_store_datadirs = /d\nclone_root = /clones\n"
    );
    ASSERT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
    const auto& store = std::get<FileStoreConfig>(report.config->stores[0].backend);
    EXPECT_THAT(
        store.folders,
        ElementsAre(DataFolder{"/a", 100}, DataFolder{"/b:c", 7}, DataFolder{"/d", 0})
    );
    EXPECT_THAT(
        folder.findings(
            "[DEFAULT]\nenabled_backends = f:file\n[f]\nfilesystem_store_datadir = "
            "/a\nfilesystem_store_datadirs = /a:x\n"
            "filesystem_store_datadirs = b:1\nclone_root = clones\npublish_as = nfs://x\n"
        ),
        ElementsAre(
            HasSubstr(":5: [f] filesystem_store_datadirs is \"/a:x\"; write folder:priority"),
            HasSubstr("is set beside filesystem_store_datadirs"),
            HasSubstr("\"b\", which depends on where the server is started"),
            HasSubstr("clone_root must begin with '/'"),
            HasSubstr("publish_as is no datastore URL")
        )
    );
}

TEST_F(ConfigStores, PublishOneFolderOnly) {
    const std::string url = "publish_as = vsphere://vc/folder/images?dcPath=DC0&dsName=nfs1\n";
    const std::string store = "[DEFAULT]\nenabled_backends = f:file\n[f]\n";
    const auto report = folder.read(store + "filesystem_store_datadirs = /a:7\n" + url);
    ASSERT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
    EXPECT_EQ(
        std::get<FileStoreConfig>(report.config->stores[0].backend).publish_as,
        "vsphere://vc/folder/images?dcPath=DC0&dsName=nfs1"
    );
    EXPECT_THAT(
        folder.findings(
            store + "filesystem_store_datadirs = /a:7\nfilesystem_store_datadirs = /b\n" + url
        ),
        ElementsAre(HasSubstr("make a store of its own for each folder"))
    );
}

TEST_F(ConfigStores, RefuseBackendsThatCanNotBe) {
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_backends = a:rbd, os_glance_x:file, database:file, "
                        "w@:file, ok:file\n"),
        ElementsAre(
            HasSubstr("\"a\" of type rbd, which slipway does not have"),
            HasSubstr("\"os_glance_x\", a name with another meaning"),
            HasSubstr("\"database\", a name with another meaning"),
            HasSubstr("the store \"w@\"; use letters")
        )
    );
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_backends = a:file, b:file\n"),
        ElementsAre(HasSubstr("[glance_store] default_backend is missing"))
    );
    EXPECT_THAT(
        folder.findings(
            "[DEFAULT]\nenabled_backends = a:file, b:file\n[glance_store]\ndefault_backend = c\n"
        ),
        ElementsAre(HasSubstr("default_backend is \"c\", which is no store"))
    );
    EXPECT_THAT(
        folder.findings(
            "[DEFAULT]\nenabled_backends = a:file, w:http\n[glance_store]\ndefault_backend = w\n"
        ),
        ElementsAre(HasSubstr("a store of type http, which takes no images"))
    );
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_backends = w:http\n"),
        ElementsAre(HasSubstr("leaves no store"))
    );
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_backends = a:file, a:vmware\n"),
        Contains(HasSubstr("names \"a\" twice"))
    );
    EXPECT_THAT(
        folder.findings("[glance_store]\ndefault_store = rbd\n"),
        ElementsAre(HasSubstr("write one of file, vmware, vsphere"))
    );
}

TEST_F(ConfigStores, SayThatASectionLooksLikeAStore) {
    EXPECT_THAT(
        folder.findings("[fast]\nfilesystem_store_datadir = /a\n"),
        ElementsAre(AllOf(
            StartsWith("slipway.conf:2: section [fast]"),
            HasSubstr("name it in [DEFAULT] enabled_backends")
        ))
    );
}

TEST_F(ConfigStores, TakeTheBootFormOfIngestUnlessTheyHaveTheirOwn) {
    const auto report = folder.read(
        "[DEFAULT]\nenabled_backends = a:file, b:file\n[glance_store]\ndefault_backend = "
        "a\n[ingest]\nboot_form = flat\n"
        "[b]\nboot_form = replace\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_EQ(report.config->stores[0].boot_form, BootFormMode::flat);
    EXPECT_EQ(report.config->stores[1].boot_form, BootFormMode::replace);
    EXPECT_THAT(
        folder.findings("[ingest]\nboot_form = big\n"),
        ElementsAre(HasSubstr("write one of sparse, flat, off"))
    );
}

TEST_F(ConfigStores, LieNearTheCallersOfASite) {
    const std::string stores =
        "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n";
    const auto report = folder.read(
        stores +
        "[site:east]\nnetworks = 192.0.2.0/24, 2001:db8::/32\ndatastores = /F0/DC1:ssd*\n"
        "datastores = a\n"
    );
    ASSERT_TRUE(report.config);
    ASSERT_EQ(report.config->sites.size(), 1U);
    const service::Site& site = report.config->sites[0];
    EXPECT_EQ(site.name, "east");
    EXPECT_EQ(site.networks.size(), 2U);
    ASSERT_EQ(site.datastores.size(), 2U);
    EXPECT_EQ(site.datastores[0].datacenter, "F0/DC1");
    EXPECT_EQ(site.datastores[0].datastore, "ssd*");
    EXPECT_EQ(site.datastores[1].store.str(), "a");
    EXPECT_THAT(
        folder.findings(stores + "[site:east]\nnetworks = 192.0.2.1/24\ndatastores = b\n"),
        ElementsAre(HasSubstr("\"192.0.2.1/24\" is no network"), HasSubstr("or the id of a store"))
    );
    EXPECT_THAT(
        folder.findings(stores + "[site:east]\nnetworks = 192.0.2.0/24\n"),
        ElementsAre(HasSubstr("[site:east] datastores is missing"))
    );
}

}  // namespace
}  // namespace slipway::app
