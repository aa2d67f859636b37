import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** For each flavour and file a line: the flavour, whether the file conforms to it, the file; then what fails. */
public class Conforms {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (String name : arguments[0].split(",")) {
            PDFAFlavour flavour = PDFAFlavour.fromString(name);
            for (int i = 1; i < arguments.length; i++) {
                try (PDFAParser parser =
                        Foundries.defaultInstance().createParser(new FileInputStream(arguments[i]), flavour)) {
                    ValidationResult found =
                            Foundries.defaultInstance().createValidator(flavour, false).validate(parser);
                    System.out.println(name + " " + found.isCompliant() + " " + arguments[i]);
                    for (TestAssertion one : found.getTestAssertions()) {
                        if (one.getStatus() == TestAssertion.Status.FAILED) {
                            System.out.println("  " + one.getRuleId().getClause() + " " + one.getMessage());
                        }
                    }
                }
            }
        }
    }
}
