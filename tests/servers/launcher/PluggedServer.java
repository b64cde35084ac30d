import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Starts one node of Elasticsearch 8.18 or later, which takes its modules through a PluginsLoader. Methods whose
 * parameters changed between 8 and 9 are called by name.
 */
public class PluggedServer {
    public static void main(String[] args) throws Exception {
        Path home = Path.of(System.getProperty("server.home"));
        Path conf = Path.of(System.getProperty("server.conf"));
        LogConfigurator.registerErrorListener();
        Settings base = Settings.builder().put("path.home", home.toString()).build();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(base, Map.of(), conf, () -> "n1");
        LogConfigurator.setNodeName("n1");
        LogConfigurator.setClusterName("mailstitch-tests");
        Method configure = method(LogConfigurator.class, "configure");
        Object[] both = {environment, true};
        configure.invoke(null, configure.getParameterCount() == 2 ? both : new Object[] {environment});
        try {
            PluginsLoader plugins = PluginsLoader.createPluginsLoader(
                bundles("loadModulesBundles", home.resolve("modules")),
                bundles("loadPluginsBundles", home.resolve("plugins")), Map.of(), false);
            new Node(environment, plugins).start();
        } catch (Throwable failure) {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        Thread.currentThread().join();
    }

    @SuppressWarnings("unchecked")
    private static <T> Set<T> bundles(String loader, Path directory) throws Exception {
        Method load = method(PluginsLoader.class, loader);
        Object[] both = {directory, false};
        return (Set<T>) load.invoke(null, load.getParameterCount() == 2 ? both : new Object[] {directory});
    }

    private static Method method(Class<?> type, String name) {
        for (Method m : type.getMethods()) if (m.getName().equals(name)) return m;
        throw new IllegalStateException(type + " has no " + name);
    }
}
