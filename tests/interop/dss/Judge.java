import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.EvidenceRecordWrapper;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.enumerations.TokenExtractionStrategy;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.policy.ValidationPolicy;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CertificateSource;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.policy.ValidationPolicyLoader;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.LogManager;

/**
 * What EU DSS says of signed files, offline. Each line of the file that is named first is a case, its fields set apart by tabs, lists of
 * files in a field by '|': the signed file; trust anchors (DER); detached data; the time of validation (ISO 8601, or empty: now);
 * revocation lists (DER); OCSP answers (DER); certificates that nobody trusts (DER); evidence records beside the file; the policy (a
 * constraint file of EU DSS, or empty: the one that EU DSS has by default). Whoever is on the trusted lists that are named by five further
 * arguments, which Lists tells of, is trusted too; then the first lines are about these lists.
 * Each line that is printed is the answer to one case, in JSON. What it says of a signature, time-stamp or evidence record is under "key",
 * the SHA-256 of the value, the token or the record, so that it can be found again whatever the order.
 */
public class Judge {
    private static final Map<String, ValidationPolicy> POLICIES = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        CertificateSource lists = arguments.length > 1 ? Lists.load(Arrays.copyOfRange(arguments, 1, 6), out) : null;
        for (String line : Files.readAllLines(Paths.get(arguments[0]), StandardCharsets.UTF_8)) {
            String[] fields = line.split("\t", -1);
            try {
                out.println(answer(fields, lists));
            } catch (Throwable error) {
                out.println("{\"file\":" + text(fields[0]) + ",\"error\":" + text(error.getClass().getSimpleName() + ": " + error.getMessage()) + "}");
            }
        }
    }

    private static String answer(String[] fields, CertificateSource lists) throws Exception {
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(new File(fields[0])));
        validator.setTokenExtractionStrategy(TokenExtractionStrategy.EXTRACT_TIMESTAMPS_ONLY);
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (DSSDocument anchor : documents(fields[1])) {
            trusted.addCertificate(DSSUtils.loadCertificate(anchor.openStream()));
        }
        verifier.setTrustedCertSources(lists == null ? new CertificateSource[] {trusted} : new CertificateSource[] {trusted, lists});
        if (!fields[4].isEmpty()) {
            verifier.setCrlSource(new ExternalResourcesCRLSource(documents(fields[4]).toArray(new DSSDocument[0])));
        }
        if (!fields[5].isEmpty()) {
            verifier.setOcspSource(new ExternalResourcesOCSPSource(documents(fields[5]).toArray(new DSSDocument[0])));
        }
        CommonCertificateSource beside = new CommonCertificateSource();
        for (DSSDocument certificate : documents(fields[6])) {
            beside.addCertificate(DSSUtils.loadCertificate(certificate.openStream()));
        }
        verifier.setAdjunctCertSources(beside);
        validator.setCertificateVerifier(verifier);
        List<DSSDocument> detached = documents(fields[2]);
        if (!detached.isEmpty()) {
            validator.setDetachedContents(detached);
        }
        if (!fields[3].isEmpty()) {
            validator.setValidationTime(Date.from(Instant.parse(fields[3])));
        }
        List<DSSDocument> records = documents(fields[7]);
        if (!records.isEmpty()) {
            validator.setDetachedEvidenceRecordDocuments(records);
        }
        validator.setEnableEtsiValidationReport(false);
        Reports reports = validator.validateDocument(policy(fields[8]));
        SimpleReport simple = reports.getSimpleReport();
        DiagnosticData data = reports.getDiagnosticData();
        StringBuilder said = new StringBuilder("{\"file\":" + text(fields[0]) + ",\"signatures\":[");
        String between = "";
        for (SignatureWrapper one : data.getSignatures()) {
            said.append(between).append("{\"key\":").append(key(one.getSignatureValue()))
                .append(",\"level\":").append(text(String.valueOf(one.getSignatureFormat())))
                .append(",\"counter_signature\":").append(one.isCounterSignature())
                .append(",\"intact\":").append(one.isSignatureIntact())
                .append(",\"valid\":").append(one.isSignatureValid())
                .append(",\"b_level\":").append(one.isBLevelTechnicallyValid())
                .append(",\"signing_certificate_identified\":").append(one.isSigningCertificateIdentified())
                .append(",\"data_found\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataFound()))
                .append(",\"data_intact\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataIntact()))
                .append(",\"references\":").append(one.getDigestMatchers().size())
                .append(",\"time_stamps\":").append(one.getTimestampList().size())
                .append(",\"best_signature_time\":").append(time(simple.getBestSignatureTime(one.getId())))
                .append(",\"scopes\":").append(one.getSignatureScopes().size())
                .append(",\"qualification\":").append(text(String.valueOf(simple.getSignatureQualification(one.getId()))))
                .append(verdict(simple, one.getId()))
                .append("}");
            between = ",";
        }
        said.append("],\"time_stamps\":[");
        between = "";
        for (TimestampWrapper one : data.getTimestampList()) {
            said.append(between).append("{\"key\":").append(key(one.getBinaries()))
                .append(",\"kind\":").append(text(String.valueOf(one.getType())))
                .append(",\"time\":").append(time(one.getProductionTime()))
                .append(",\"intact\":").append(one.isSignatureIntact())
                .append(",\"valid\":").append(one.isSignatureValid())
                .append(",\"imprint_found\":").append(one.isMessageImprintDataFound())
                .append(",\"imprint_intact\":").append(one.isMessageImprintDataIntact())
                .append(",\"covers\":").append(one.getTimestampedObjects().size())
                .append(",\"qualification\":").append(text(String.valueOf(simple.getTimestampQualification(one.getId()))))
                .append(verdict(simple, one.getId()))
                .append("}");
            between = ",";
        }
        said.append("],\"evidence_records\":[");
        between = "";
        for (EvidenceRecordWrapper one : data.getEvidenceRecords()) {
            said.append(between).append("{\"key\":").append(text(hex(one.getDigestAlgoAndValue().getDigestValue())))
                .append(",\"data_found\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataFound()))
                .append(",\"data_intact\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataIntact()))
                .append(",\"time\":").append(time(simple.getEvidenceRecordPOE(one.getId())))
                .append(",\"time_stamps\":").append(one.getTimestampIdsList().size())
                .append(verdict(simple, one.getId()))
                .append("}");
            between = ",";
        }
        said.append("]");
        return said.append("}").toString();
    }

    private static ValidationPolicy policy(String name) {
        return POLICIES.computeIfAbsent(name, x ->
            (x.isEmpty() ? ValidationPolicyLoader.fromDefaultValidationPolicy() : ValidationPolicyLoader.fromValidationPolicy(new File(x))).create());
    }

    private static String verdict(SimpleReport simple, String id) {
        return ",\"indication\":" + text(String.valueOf(simple.getIndication(id))) + ",\"sub_indication\":" + text(String.valueOf(simple.getSubIndication(id)));
    }

    private static List<DSSDocument> documents(String field) {
        List<DSSDocument> found = new ArrayList<>();
        for (String name : field.isEmpty() ? new String[0] : field.split("\\|")) {
            found.add(new FileDocument(new File(name)));
        }
        return found;
    }

    private static String key(byte[] octets) throws Exception {
        if (octets == null) {
            return "null";
        }
        return text(hex(MessageDigest.getInstance("SHA-256").digest(octets)));
    }

    private static String hex(byte[] octets) {
        StringBuilder written = new StringBuilder();
        for (byte one : octets) {
            written.append(String.format("%02x", one));
        }
        return written.toString();
    }

    private static String time(Date moment) {
        return moment == null ? "null" : text(moment.toInstant().toString());
    }

    private static String text(String said) {
        if (said == null || said.equals("null")) {
            return "null";
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (char one : said.toCharArray()) {
            if (one == '"' || one == '\\') {
                quoted.append('\\').append(one);
            } else if (one < ' ') {
                quoted.append(String.format("\\u%04x", (int) one));
            } else {
                quoted.append(one);
            }
        }
        return quoted.append('"').toString();
    }
}
