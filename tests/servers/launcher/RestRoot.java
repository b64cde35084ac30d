import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * `GET /` of Elasticsearch 8 and 9. The module that answers it, rest-root, is not on Maven Central; this one answers
 * with the same fields. All other answers are the server's own.
 */
public class RestRoot extends Plugin implements ActionPlugin {
    static class Root implements RestHandler {
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
            Build build = Build.current();
            XContentBuilder answer = channel.newBuilder().prettyPrint();
            answer.startObject().field("name", "n1").field("cluster_name", "mailstitch-tests")
                .field("cluster_uuid", "mailstitch-tests").startObject("version").field("number", build.version())
                .field("build_flavor", build.flavor()).field("build_type", "tar").field("build_hash", build.hash())
                .field("build_date", build.date()).field("build_snapshot", build.isSnapshot())
                .field("lucene_version", org.apache.lucene.util.Version.LATEST.toString())
                .field("minimum_wire_compatibility_version", build.minWireCompatVersion())
                .field("minimum_index_compatibility_version", build.minIndexCompatVersion()).endObject()
                .field("tagline", "You Know, for Search").endObject();
            channel.sendResponse(new RestResponse(RestStatus.OK, answer));
        }
    }

    /* only 8 */ public Collection<RestHandler> getRestHandlers(org.elasticsearch.common.settings.Settings settings, org.elasticsearch.common.io.stream.NamedWriteableRegistry writeables, RestController controller, org.elasticsearch.common.settings.ClusterSettings cluster, org.elasticsearch.common.settings.IndexScopedSettings index, org.elasticsearch.common.settings.SettingsFilter filter, org.elasticsearch.cluster.metadata.IndexNameExpressionResolver resolver, Supplier<DiscoveryNodes> nodes, Predicate<org.elasticsearch.features.NodeFeature> features) { return List.of(new Root()); }
    /* only 9 */ public Collection<RestHandler> getRestHandlers(ActionPlugin.RestHandlersServices services, Supplier<DiscoveryNodes> nodes, Predicate<org.elasticsearch.features.NodeFeature> features) { return List.of(new Root()); }
}
