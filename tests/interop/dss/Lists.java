import eu.europa.esig.dss.model.DSSException;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.tsl.LOTLInfo;
import eu.europa.esig.dss.model.tsl.TLInfo;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.client.http.DSSFileLoader;
import eu.europa.esig.dss.spi.tsl.TrustedListsCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.tsl.function.TypeOtherTSLPointer;
import eu.europa.esig.dss.tsl.function.XMLOtherTSLPointer;
import eu.europa.esig.dss.tsl.job.TLValidationJob;
import eu.europa.esig.dss.tsl.source.LOTLSource;
import java.io.File;
import java.io.PrintStream;

/**
 * What EU DSS makes of a list of lists that is not the EU's, and of the lists that it points to. The arguments: a
 * folder that has every list under the last part of its address, or several, set apart by '|'; the address of the list of lists; the type of lists of lists, and that of
 * the lists; the certificate (DER) by which the list of lists is believed.
 * A line is printed about each list, folder by folder, the list of lists first. Whoever is on the lists of the first folder is trusted.
 */
public class Lists {
    static TrustedListsCertificateSource load(String[] arguments, PrintStream out) {
        CommonCertificateSource believed = new CommonCertificateSource();
        believed.addCertificate(DSSUtils.loadCertificate(new File(arguments[4])));
        TrustedListsCertificateSource trusted = null;
        for (String folder : arguments[0].split("\\|")) {
            TrustedListsCertificateSource found = load(new File(folder), believed, arguments, out);
            trusted = trusted == null ? found : trusted;
        }
        return trusted;
    }

    private static TrustedListsCertificateSource load(File folder, CommonCertificateSource believed, String[] arguments, PrintStream out) {
        LOTLSource source = new LOTLSource();
        source.setUrl(arguments[1]);
        source.setCertificateSource(believed);
        source.setLotlPredicate(new TypeOtherTSLPointer(arguments[2]).and(new XMLOtherTSLPointer()));
        source.setTlPredicate(new TypeOtherTSLPointer(arguments[3]).and(new XMLOtherTSLPointer()));
        TrustedListsCertificateSource trusted = new TrustedListsCertificateSource();
        TLValidationJob job = new TLValidationJob();
        job.setListOfTrustedListSources(source);
        job.setTrustedListCertificateSource(trusted);
        job.setOnlineDataLoader((DSSFileLoader) url -> {
            File file = new File(folder, url.substring(url.lastIndexOf('/') + 1));
            if (!file.isFile()) {
                throw new DSSException("There is no " + file);
            }
            return new FileDocument(file);
        });
        job.onlineRefresh();
        for (LOTLInfo one : job.getSummary().getLOTLInfos()) {
            out.println(about(folder, one));
            for (TLInfo other : one.getTLInfos()) {
                out.println(about(folder, other));
            }
        }
        return trusted;
    }

    private static String about(File folder, TLInfo one) {
        StringBuilder said = new StringBuilder("{\"folder\":" + text(folder.getPath()) + ",\"url\":" + text(one.getUrl()));
        said.append(",\"error\":").append(text(error(one)));
        if (one.getParsingCacheInfo().isResultExist()) {
            said.append(",\"territory\":").append(text(one.getParsingCacheInfo().getTerritory()))
                .append(",\"number\":").append(one.getParsingCacheInfo().getSequenceNumber())
                .append(",\"version\":").append(one.getParsingCacheInfo().getVersion())
                .append(",\"services\":").append(one.getParsingCacheInfo().getTSNumber());
        }
        if (one.getValidationCacheInfo().isResultExist()) {
            said.append(",\"indication\":").append(text(String.valueOf(one.getValidationCacheInfo().getIndication())))
                .append(",\"sub_indication\":").append(text(String.valueOf(one.getValidationCacheInfo().getSubIndication())));
        }
        return said.append("}").toString();
    }

    private static String error(TLInfo one) {
        for (String found : new String[] {
            one.getDownloadCacheInfo().getExceptionMessage(),
            one.getParsingCacheInfo().getExceptionMessage(),
            one.getValidationCacheInfo().getExceptionMessage()
        }) {
            if (found != null) {
                return found;
            }
        }
        return "";
    }

    private static String text(String value) {
        StringBuilder written = new StringBuilder("\"");
        for (char one : (value == null ? "" : value).toCharArray()) {
            if (one == '"' || one == '\\') {
                written.append('\\').append(one);
            } else if (one < ' ') {
                written.append(' ');
            } else {
                written.append(one);
            }
        }
        return written.append('"').toString();
    }
}
