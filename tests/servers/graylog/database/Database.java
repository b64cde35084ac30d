import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Where Graylog keeps inputs, users and streams: the wire protocol of MongoDB, in memory, on the port of the argument.
 * Maven Central has no MongoDB.
 */
public class Database {
    public static void main(String[] arguments) throws Exception {
        MemoryBackend backend = new MemoryBackend() {
            @Override
            public Document handleMessage(MongoMessage message) {
                Document query = message.getDocument();
                // Capped collections are not known here, and nothing that tests write would fill one.
                if (query.containsKey("create")) {
                    List.of("capped", "size", "max").forEach(query::remove);
                }
                return super.handleMessage(message);
            }
        };
        backend.version(new MongoVersion() {
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 6);
            }

            public int getWireVersion() {
                return 9;
            }
        });
        new MongoServer(backend).bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
        Thread.currentThread().join();
    }
}
