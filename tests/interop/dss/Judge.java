import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.diagnostic.EvidenceRecordWrapper;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.logging.LogManager;

/**
 * What EU DSS says of signed files, offline. Each line of the file that is named first is a case, its fields set apart by tabs:
 * the signed file, trust anchors (DER files, set apart by '|'), detached data (likewise), the time of validation (ISO 8601, or empty: now).
 * Each line that is printed is the answer to one case, in JSON.
 */
public class Judge {
    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line : Files.readAllLines(Paths.get(arguments[0]), StandardCharsets.UTF_8)) {
            String[] fields = line.split("\t", -1);
            try {
                out.println(answer(fields));
            } catch (Throwable error) {
                out.println("{\"file\":" + text(fields[0]) + ",\"error\":" + text(error.getClass().getSimpleName() + ": " + error.getMessage()) + "}");
            }
        }
    }

    private static String answer(String[] fields) throws Exception {
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(new File(fields[0])));
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (String name : named(fields[1])) {
            CertificateToken anchor = DSSUtils.loadCertificate(new File(name));
            trusted.addCertificate(anchor);
        }
        verifier.setTrustedCertSources(trusted);
        validator.setCertificateVerifier(verifier);
        List<DSSDocument> detached = new ArrayList<>();
        for (String name : named(fields[2])) {
            detached.add(new FileDocument(new File(name)));
        }
        if (!detached.isEmpty()) {
            validator.setDetachedContents(detached);
        }
        if (!fields[3].isEmpty()) {
            validator.setValidationTime(Date.from(Instant.parse(fields[3])));
        }
        Reports reports = validator.validateDocument();
        SimpleReport simple = reports.getSimpleReport();
        DiagnosticData data = reports.getDiagnosticData();
        StringBuilder said = new StringBuilder("{\"file\":" + text(fields[0]) + ",\"signatures\":[");
        String between = "";
        for (SignatureWrapper one : data.getSignatures()) {
            said.append(between).append("{\"level\":").append(text(String.valueOf(one.getSignatureFormat())))
                .append(",\"counter_signature\":").append(one.isCounterSignature())
                .append(",\"intact\":").append(one.isSignatureIntact())
                .append(",\"valid\":").append(one.isSignatureValid())
                .append(",\"b_level\":").append(one.isBLevelTechnicallyValid())
                .append(",\"signing_certificate_identified\":").append(one.isSigningCertificateIdentified())
                .append(",\"data_found\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataFound()))
                .append(",\"data_intact\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataIntact()))
                .append(",\"references\":").append(one.getDigestMatchers().size())
                .append(",\"time_stamps\":").append(one.getTimestampList().size())
                .append(",\"best_signature_time\":").append(text(String.valueOf(simple.getBestSignatureTime(one.getId()) == null ? null : simple.getBestSignatureTime(one.getId()).toInstant())))
                .append(",\"scopes\":").append(one.getSignatureScopes().size())
                .append(",\"indication\":").append(text(String.valueOf(simple.getIndication(one.getId()))))
                .append(",\"sub_indication\":").append(text(String.valueOf(simple.getSubIndication(one.getId()))))
                .append("}");
            between = ",";
        }
        said.append("],\"time_stamps\":[");
        between = "";
        for (TimestampWrapper one : data.getTimestampList()) {
            said.append(between).append("{\"kind\":").append(text(String.valueOf(one.getType())))
                .append(",\"time\":").append(text(String.valueOf(one.getProductionTime().toInstant())))
                .append(",\"intact\":").append(one.isSignatureIntact())
                .append(",\"valid\":").append(one.isSignatureValid())
                .append(",\"imprint_found\":").append(one.isMessageImprintDataFound())
                .append(",\"imprint_intact\":").append(one.isMessageImprintDataIntact())
                .append(",\"covers\":").append(one.getTimestampedObjects().size())
                .append(",\"indication\":").append(text(String.valueOf(simple.getIndication(one.getId()))))
                .append(",\"sub_indication\":").append(text(String.valueOf(simple.getSubIndication(one.getId()))))
                .append("}");
            between = ",";
        }
        said.append("],\"evidence_records\":[");
        between = "";
        for (EvidenceRecordWrapper one : data.getEvidenceRecords()) {
            said.append(between).append("{\"indication\":").append(text(String.valueOf(simple.getIndication(one.getId()))))
                .append(",\"sub_indication\":").append(text(String.valueOf(simple.getSubIndication(one.getId()))))
                .append(",\"data_found\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataFound()))
                .append(",\"data_intact\":").append(one.getDigestMatchers().stream().allMatch(x -> x.isDataIntact()))
                .append("}");
            between = ",";
        }
        return said.append("]}").toString();
    }

    private static String[] named(String field) {
        return field.isEmpty() ? new String[0] : field.split("\\|");
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
