import com.sun.management.OperatingSystemMXBean;
import eu.europa.esig.dss.signature.AbstractSignatureParameters;
import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.JWSSerializationType;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jades.JAdESSignatureParameters;
import eu.europa.esig.dss.jades.signature.JAdESService;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.ToBeSigned;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.signature.DocumentSignatureService;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.logging.LogManager;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Signs with EU DSS at level B-B, by a P-256 key of a PKCS#12 file, in this process: `Signer FILE.p12 PASSWORD`. Each line of the standard
 * input is a format and a folder, with a space between; the answer is a line with the processor time of this process for it, in
 * nanoseconds, and how many files were signed. The first of what is made is written beside the folder, as FOLDER.FORMAT.
 */
public final class Signer {

    private static PrivateKey key;
    private static CertificateToken certificate;

    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        char[] password = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream stream = new FileInputStream(arguments[0])) {
            store.load(stream, password);
        }
        String alias = store.aliases().nextElement();
        key = (PrivateKey) store.getKey(alias, password);
        certificate = new CertificateToken((X509Certificate) store.getCertificate(alias));
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split(" ", 2);
            List<Path> files;
            try (Stream<Path> found = Files.list(Paths.get(words[1]))) {
                files = found.sorted().collect(Collectors.toList());
            }
            long began = system.getProcessCpuTime();
            DSSDocument first = null;
            for (Path file : files) {
                DSSDocument made = signed(words[0], new InMemoryDocument(Files.readAllBytes(file), file.getFileName().toString()));
                first = first == null ? made : first;
            }
            long taken = system.getProcessCpuTime() - began;
            if (first != null) {
                first.save(words[1] + "." + words[0]);
            }
            answers.println(taken + " " + files.size());
        }
    }

    private static DSSDocument signed(String format, DSSDocument document) throws Exception {
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        switch (format) {
            case "xades": {
                XAdESSignatureParameters wanted = new XAdESSignatureParameters();
                wanted.setSignatureLevel(SignatureLevel.XAdES_BASELINE_B);
                wanted.setSignaturePackaging(SignaturePackaging.ENVELOPED);
                return by(new XAdESService(verifier), wanted, document);
            }
            case "cades": {
                CAdESSignatureParameters wanted = new CAdESSignatureParameters();
                wanted.setSignatureLevel(SignatureLevel.CAdES_BASELINE_B);
                wanted.setSignaturePackaging(SignaturePackaging.ENVELOPING);
                return by(new CAdESService(verifier), wanted, document);
            }
            case "jades": {
                JAdESSignatureParameters wanted = new JAdESSignatureParameters();
                wanted.setSignatureLevel(SignatureLevel.JAdES_BASELINE_B);
                wanted.setSignaturePackaging(SignaturePackaging.ENVELOPING);
                wanted.setJwsSerializationType(JWSSerializationType.FLATTENED_JSON_SERIALIZATION);
                return by(new JAdESService(verifier), wanted, document);
            }
            default: {
                PAdESSignatureParameters wanted = new PAdESSignatureParameters();
                wanted.setSignatureLevel(SignatureLevel.PAdES_BASELINE_B);
                return by(new PAdESService(verifier), wanted, document);
            }
        }
    }

    private static <P extends AbstractSignatureParameters<?>> DSSDocument by(
            DocumentSignatureService<P, ?> service, P wanted, DSSDocument document) throws Exception {
        wanted.setDigestAlgorithm(DigestAlgorithm.SHA256);
        wanted.setSigningCertificate(certificate);
        ToBeSigned octets = service.getDataToSign(document, wanted);
        Signature signer = Signature.getInstance("SHA256withECDSA");
        signer.initSign(key);
        signer.update(octets.getBytes());
        return service.signDocument(document, wanted, new SignatureValue(SignatureAlgorithm.ECDSA_SHA256, signer.sign()));
    }

    private Signer() {
    }
}
