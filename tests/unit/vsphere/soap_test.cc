#include "vsphere/soap.h"

#include "tests/unit/vsphere/fake_server.h"

#include <gtest/gtest.h>

namespace slipway::vsphere {
namespace {

Error error_of(int status, std::string_view body) {
    const auto reply = parse_reply("CurrentTime", status, body);
    return reply ? Error(Errc::internal, "a reply") : reply.error();
}

Error error_of(const test::Answer& answer) {
    return error_of(answer.status, answer.body);
}

TEST(SoapEnvelope, WrapsABody) {
    EXPECT_EQ(
        envelope("req-7f3a", "<M/>"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\""
        " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
        "<e:Header><operationID>slipway-req-7f3a</operationID></e:Header>"
        "<e:Body><M/></e:Body></e:Envelope>"
    );
}

TEST(SoapEnvelope, KeepsTheRequestIdHarmless) {
    EXPECT_NE(envelope("a<b>&\n", "").find("<operationID>slipway-a_b___<"), std::string::npos);
}

TEST(SoapReply, IsFoundUnderAnyPrefix) {
    const auto reply = parse_reply(
        "CurrentTime",
        200,
        R"(<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>)"
        R"(<v:CurrentTimeResponse xmlns:v="urn:vim25"><v:returnval>now</v:returnval>)"
        R"(</v:CurrentTimeResponse></S:Body></S:Envelope>)"
    );
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->required_returnval()->text(), "now");
}

TEST(SoapReply, MayHaveNoValue) {
    const auto answer = test::soap("FindByInventoryPath");
    const auto reply = parse_reply("FindByInventoryPath", 200, answer.body);
    ASSERT_TRUE(reply);
    EXPECT_FALSE(reply->returnval());
    EXPECT_EQ(reply->required_returnval().error().code, Errc::corrupt);
}

TEST(SoapReply, OfAnotherMethodIsCorrupt) {
    EXPECT_EQ(error_of(test::soap("Logout")).code, Errc::corrupt);
}

TEST(SoapReply, FromAProxyIsWorthARetry) {
    const auto html = error_of(200, "<!DOCTYPE html><html><body>busy</body></html>");
    EXPECT_EQ(html.code, Errc::unavailable);
    EXPECT_EQ(html.reason, "NotSoap");
    EXPECT_EQ(error_of(503, "<html><body>503</body></html>").reason, "HttpStatus503");
    EXPECT_EQ(error_of(200, "").reason, "NotSoap");
    EXPECT_EQ(error_of(200, "garbage").reason, "NotSoap");
    EXPECT_EQ(error_of(302, "").reason, "HttpStatus302");
    EXPECT_EQ(retry_class(html), RetryClass::retry);
}

TEST(SoapReply, InAnotherEnvelopeIsNoSoap) {
    EXPECT_EQ(error_of(200, "<Envelope><Body/></Envelope>").reason, "NotSoap");
    EXPECT_EQ(
        error_of(200, R"(<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>)").reason,
        "NotSoap"
    );
}

TEST(SoapReply, TooDeepIsCorrupt) {
    std::string body;
    for (int i = 0; i < 100; ++i) body += "<a>";
    for (int i = 0; i < 100; ++i) body += "</a>";
    EXPECT_EQ(error_of(200, body).code, Errc::corrupt);
}

TEST(SoapFault, IsNamedByItsType) {
    const auto error = error_of(test::soap_fault("FileNotFound", "<file>[ds] a/b</file>"));
    EXPECT_EQ(error.code, Errc::not_found);
    EXPECT_EQ(error.reason, "FileNotFound");
    EXPECT_EQ(error.message, "the datastore has no such file or folder ([ds] a/b)");
}

TEST(SoapFault, IsAFaultAlsoWithStatus200) {
    auto answer = test::soap_fault("NotAuthenticated");
    EXPECT_EQ(error_of(200, answer.body).reason, "NotAuthenticated");
    EXPECT_EQ(retry_class(error_of(200, answer.body)), RetryClass::session);
}

TEST(SoapFault, IsReadAsASimulatorWritesIt) {
    const auto error = error_of(
        500,
        R"(<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>)"
        R"(<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring></faultstring><detail>)"
        R"(<Fault xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance")"
        R"( XMLSchema-instance:type="InvalidLogin"></Fault></detail></soapenv:Fault>)"
        R"(</soapenv:Body></soapenv:Envelope>)"
    );
    EXPECT_EQ(error.reason, "InvalidLogin");
}

TEST(SoapFault, WithoutATypeIsNamedByItsElement) {
    const auto error = error_of(
        500,
        R"(<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>)"
        R"(<faultcode>c</faultcode><faultstring>s</faultstring><detail>)"
        R"(<FileLockedFault xmlns="urn:vim25"/></detail></e:Fault></e:Body></e:Envelope>)"
    );
    EXPECT_EQ(error.reason, "FileLocked");
}

TEST(SoapFault, WithoutADetailIsAnErrorOfTheServer) {
    const auto error = error_of(
        500,
        R"(<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>)"
        R"(<faultcode>c</faultcode><faultstring>secret host</faultstring></e:Fault></e:Body>)"
        R"(</e:Envelope>)"
    );
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_EQ(error.message.find("secret host"), std::string::npos);
}

TEST(SoapFault, SaysWhichPrivilegeIsMissing) {
    const auto error = error_of(test::soap_fault(
        "NoPermission",
        R"(<object type="Datastore">datastore-1</object><privilegeId>Datastore.Browse</privilegeId>)"
    ));
    EXPECT_EQ(error.code, Errc::forbidden);
    EXPECT_NE(error.message.find("Datastore.Browse"), std::string::npos);
}

TEST(Fault, KeepsTextsAndCausesOfWhatIsInside) {
    const auto document = xml::Document::parse(
        R"(<error xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">)"
        R"(<fault xsi:type="CannotCreateFile"><faultCause><fault xsi:type="NoDiskSpace"/>)"
        R"(<localizedMessage>full</localizedMessage></faultCause>)"
        R"(<faultMessage><key>k</key><message>Failed to create object.</message></faultMessage>)"
        R"(<file>[vsan] x</file></fault><localizedMessage>outer</localizedMessage></error>)"
    );
    ASSERT_TRUE(document);
    const auto fault = read_localized_fault(document->root());
    EXPECT_EQ(fault.name, "CannotCreateFile");
    EXPECT_EQ(fault.text, "outer");
    EXPECT_EQ(fault.file, "[vsan] x");
    EXPECT_EQ(fault.causes, std::vector<std::string>{"NoDiskSpace"});
    EXPECT_EQ(fault.texts, (std::vector<std::string>{"Failed to create object.", "full"}));
}

TEST(Fault, TableSaysWhatIsWorthDoing) {
    const auto about = [](std::string_view name) {
        const auto error = to_error(Fault{.name = std::string(name)});
        return std::pair(error.code, retry_class(error));
    };
    using enum RetryClass;
    EXPECT_EQ(about("NotAuthenticated"), std::pair(Errc::unavailable, session));
    EXPECT_EQ(about("InvalidLogin"), std::pair(Errc::unavailable, permanent));
    EXPECT_EQ(about("NoPermission"), std::pair(Errc::forbidden, permanent));
    EXPECT_EQ(about("FileNotFound"), std::pair(Errc::not_found, conflict));
    EXPECT_EQ(about("FileAlreadyExists"), std::pair(Errc::conflict, conflict));
    EXPECT_EQ(about("FileLocked"), std::pair(Errc::conflict, retry));
    EXPECT_EQ(about("NoDiskSpace"), std::pair(Errc::no_space, operator_problem));
    EXPECT_EQ(about("HostNotConnected"), std::pair(Errc::unavailable, retry));
    EXPECT_EQ(about("InaccessibleDatastore"), std::pair(Errc::unavailable, operator_problem));
    EXPECT_EQ(about("RequestCanceled"), std::pair(Errc::cancelled, permanent));
    EXPECT_EQ(about("InvalidRequest"), std::pair(Errc::internal, permanent));
    EXPECT_EQ(about("InvalidDiskFormat"), std::pair(Errc::unsupported, permanent));
    EXPECT_EQ(about("InvalidCollectorVersion"), std::pair(Errc::unavailable, retry));
    EXPECT_EQ(about("NobodyKnowsThis"), std::pair(Errc::unavailable, retry));
}

TEST(ApiVersion, IsTheNewestThatBothKnow) {
    EXPECT_EQ(
        choose_api_version(
            R"(<namespaces version="1.0"><namespace><name>urn:internalvim25</name>)"
            R"(<version>9.9</version></namespace><namespace><name>urn:vim25</name>)"
            R"(<version>9.1.0.0</version><priorVersions><version>8.0.2.0</version>)"
            R"(<version>8.0.10.0</version><version>7.0.3.0</version><version>2.5u2</version>)"
            R"(</priorVersions></namespace></namespaces>)"
        )
            .value(),
        "8.0.2.0"
    );
}

TEST(ApiVersion, OfAnOldServerIsItsOwn) {
    EXPECT_EQ(
        choose_api_version(R"(<namespaces><namespace><name>urn:vim25</name><version>6.5</version>)"
                           R"(</namespace></namespaces>)")
            .value(),
        "6.5"
    );
    EXPECT_FALSE(choose_api_version("<html/>"));
}

}  // namespace
}  // namespace slipway::vsphere
