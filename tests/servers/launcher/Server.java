import java.nio.file.Path;
import java.util.Map;
import org.PRODUCT.common.logging.LogConfigurator;
import org.PRODUCT.common.settings.Settings;
import org.PRODUCT.env.Environment;
import org.PRODUCT.node.InternalSettingsPreparer;
import org.PRODUCT.node.Node;

/**
 * Starts one node of OpenSearch 1 to 3 or Elasticsearch 7 from a home directory; setup.sh puts the name for PRODUCT.
 * The servers' own main class is left alone on purpose: it refuses root, as which containers run tests, and wants
 * security policies that only the vendors' archives have.
 */
public class Server {
    public static void main(String[] args) throws Exception {
        Path home = Path.of(System.getProperty("server.home"));
        Path conf = Path.of(System.getProperty("server.conf"));
        Settings base = Settings.builder().put("path.home", home.toString()).build();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(base, Map.of(), conf, () -> "n1");
        LogConfigurator.registerErrorListener();
        LogConfigurator.setNodeName("n1");
        LogConfigurator.configure(environment);
        try {
            new Node(environment).start();
        } catch (Throwable failure) {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        Thread.currentThread().join();
    }
}
