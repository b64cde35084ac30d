import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.elasticsearch.analysis.common.CommonAnalysisPlugin;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/**
 * One node of Elasticsearch 6.8: HTTP on the port of the first argument, data below the directory of the second.
 * Its own main class is left alone on purpose: it refuses root, as which containers run tests.
 */
public class Engine {
    static class Plugged extends Node {
        Plugged(Environment environment) {
            super(environment, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class), true);
        }

        @Override
        protected void registerDerivedNodeNameWithLogger(String name) {
            LogConfigurator.setNodeName(name);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[1]);
        Files.createDirectories(home.resolve("config"));
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("path.data", home.resolve("data").toString())
            .put("path.logs", home.resolve("logs").toString())
            .put("cluster.name", "mailstitch-tests")
            .put("node.name", "n1")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[0])
            .put("transport.tcp.port", "0")
            .put("discovery.type", "single-node")
            .put("transport.type", "netty4")
            .put("http.type", "netty4")
            .put("action.auto_create_index", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        new Plugged(InternalSettingsPreparer.prepareEnvironment(settings, null)).start();
        Thread.currentThread().join();
    }
}
