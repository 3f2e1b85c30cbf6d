package org.apache.iceberg.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.exceptions.UnprocessableEntityException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.jdbc.JdbcClientPool;
import org.apache.iceberg.rest.HTTPRequest.HTTPMethod;
import org.apache.iceberg.rest.requests.CommitTransactionRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.responses.ErrorResponse;
import org.apache.iceberg.util.Pair;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.AssumeRoleRequest;
import software.amazon.awssdk.services.sts.model.Credentials;

/**
 * Apache Iceberg's own REST catalog for many catalogs at once, behind the gateway of the stand-in.
 *
 * <p>Every answer about Iceberg comes from Iceberg: its routes ({@code Route}), its handlers ({@code
 * RESTCatalogAdapter}), its JDBC catalog and its S3 file IO. This class adds only what Iceberg's
 * server lacks: more than one catalog, a listener on loopback alone that answers nobody but its
 * gateway, and several tables committed in one database transaction. It lives in Iceberg's package
 * because the routes and the JSON mapper of the REST server are visible only there.
 *
 * <p>It knows no principals and no grants: whoever holds the key may do anything. The key comes by the
 * environment and the process ends when its standard input does, so it never outlives its gateway.
 */
public final class IcebergHost {
  private static final int THREADS = 12;
  private static final int CONNECTIONS = 8;
  private static final int MOST_CATALOGS = 64;

  private final byte[] key = environment("ICEBERG_HOST_KEY").getBytes(StandardCharsets.UTF_8);
  private final String databaseUrl = environment("ICEBERG_HOST_JDBC_URL");
  private final Map<String, String> databaseProperties =
      Map.of(
          "jdbc.user", environment("ICEBERG_HOST_JDBC_USER"),
          "jdbc.password", environment("ICEBERG_HOST_JDBC_PASSWORD"),
          "jdbc.connectTimeout", "5",
          "jdbc.socketTimeout", "60",
          "jdbc.ApplicationName", "iceberg-host",
          // A server that was shut down ends its sessions with 57P01: connect again, do not fail.
          "retryable_status_codes", "57P01,57P02,57P03");
  private final JdbcClientPool pool =
      new JdbcClientPool(CONNECTIONS, databaseUrl, databaseProperties);
  private final ObjectMapper json = RESTObjectMapper.mapper();
  private final Map<String, StsClient> stsClients = new ConcurrentHashMap<>();

  /** The open catalogs by description, the longest unused first. */
  private final Map<String, OpenCatalog> catalogs = new LinkedHashMap<>(16, 0.75f, true);

  private record OpenCatalog(
      String name, Map<String, String> properties, FileIO io, RESTCatalogAdapter adapter) {}

  private record Answer(int status, Object body, Map<String, String> headers) {}

  public static void main(String[] arguments) throws IOException {
    // Without this, Nagle's algorithm and delayed acknowledgements add 40 ms to each answer.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    IcebergHost host = new IcebergHost();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
    server.setExecutor(Executors.newFixedThreadPool(THREADS));
    server.createContext("/", host::serve);
    server.start();
    System.out.println("listening " + server.getAddress().getPort());
    System.out.flush();
    while (System.in.read() >= 0) {
      // Only the end of the input means anything.
    }
    Runtime.getRuntime().halt(0);
  }

  private static String environment(String name) {
    String value = System.getenv(name);
    if (value == null) {
      throw new IllegalStateException(name + " is not set");
    }
    return value;
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer;
      try {
        answer = answer(exchange);
      } catch (Exception failure) {
        answer = failed(failure);
      }
      for (Map.Entry<String, String> header : answer.headers().entrySet()) {
        exchange.getResponseHeaders().set(header.getKey(), header.getValue());
      }
      if (answer.body() == null) {
        exchange.sendResponseHeaders(answer.status(), -1);
        return;
      }
      byte[] body = json.writeValueAsBytes(answer.body());
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.status(), body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private Answer answer(HttpExchange exchange) throws Exception {
    String shown = exchange.getRequestHeaders().getFirst("X-Host-Key");
    if (shown == null || !MessageDigest.isEqual(key, shown.getBytes(StandardCharsets.UTF_8))) {
      return new Answer(401, null, Map.of());
    }
    byte[] body;
    try (InputStream input = exchange.getRequestBody()) {
      body = input.readAllBytes();
    }
    String path = exchange.getRequestURI().getRawPath().substring(1);
    if (path.equals("credentials")) {
      return credentials(json.readTree(body));
    }
    HTTPMethod method = HTTPMethod.valueOf(exchange.getRequestMethod());
    Pair<Route, Map<String, String>> matched = Route.from(method, path);
    if (matched == null) {
      return error(404, "NotFoundException", "No route for " + method + " " + path);
    }
    Route route = matched.first();
    Object request =
        route.requestClass() == null ? null : json.readValue(body, route.requestClass());
    Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
    Map<String, String> vars = new HashMap<>(query);
    vars.putAll(matched.second());
    Map<String, String> sent = new HashMap<>();
    String seen = exchange.getRequestHeaders().getFirst("If-None-Match");
    if (seen != null) {
      sent.put("If-None-Match", seen);
    }
    HTTPRequest call =
        ImmutableHTTPRequest.builder()
            .baseUri(URI.create("http://localhost"))
            .mapper(json)
            .method(method)
            .path(path)
            .queryParameters(query)
            .headers(HTTPHeaders.of(sent))
            .body(request)
            .build();
    OpenCatalog catalog = catalog(exchange.getRequestHeaders().getFirst("X-Catalog"));
    Map<String, String> headers = new HashMap<>();
    if (request instanceof CommitTransactionRequest together) {
      commitTogether(catalog, together);
      return new Answer(204, null, headers);
    }
    Object result =
        catalog
            .adapter()
            .handleRequest(route, vars, call, route.responseClass(), headers::putAll);
    if (result == null) {
      return new Answer(route == Route.LOAD_TABLE ? 304 : 204, null, headers);
    }
    return new Answer(200, result, headers);
  }

  private static Map<String, String> query(String raw) {
    Map<String, String> parameters = new HashMap<>();
    if (raw != null) {
      for (String pair : raw.split("&")) {
        String[] halves = pair.split("=", 2);
        parameters.put(
            URLDecoder.decode(halves[0], StandardCharsets.UTF_8),
            halves.length == 2 ? URLDecoder.decode(halves[1], StandardCharsets.UTF_8) : "");
      }
    }
    return parameters;
  }

  /** The catalog that the gateway describes, opened at its first use. */
  private OpenCatalog catalog(String described) throws IOException {
    synchronized (catalogs) {
      OpenCatalog open = catalogs.get(described);
      if (open == null) {
        JsonNode node = json.readTree(Base64.getDecoder().decode(described));
        open = open(node);
        catalogs.put(described, open);
        if (catalogs.size() > MOST_CATALOGS) {
          var eldest = catalogs.entrySet().iterator();
          eldest.next().getValue().io().close();
          eldest.remove();
        }
      }
      return open;
    }
  }

  private OpenCatalog open(JsonNode described) {
    Map<String, String> properties = new HashMap<>(databaseProperties);
    for (Map.Entry<String, JsonNode> field : described.get("properties").properties()) {
      properties.put(field.getKey(), field.getValue().asText());
    }
    properties.put("uri", databaseUrl);
    properties.put("jdbc.schema-version", "V1");
    String name = described.get("name").asText();
    FileIO io =
        CatalogUtil.loadFileIO(
            properties.getOrDefault("io-impl", "org.apache.iceberg.aws.s3.S3FileIO"),
            properties,
            null);
    return new OpenCatalog(
        name, properties, io, new RESTCatalogAdapter(jdbcCatalog(name, properties, io, pool)));
  }

  private static JdbcCatalog jdbcCatalog(
      String name, Map<String, String> properties, FileIO io, JdbcClientPool connections) {
    JdbcCatalog catalog = new JdbcCatalog(ignored -> io, ignored -> connections, false);
    catalog.initialize(name, properties);
    return catalog;
  }

  /**
   * Commits all tables of the request or none.
   *
   * <p>Iceberg's adapter commits them one by one, and where another commit came in between it drops the
   * changes and reports success. So each table is committed by Iceberg's handler for one table, which
   * checks the requirements again, and all of them on one database transaction.
   */
  private void commitTogether(OpenCatalog catalog, CommitTransactionRequest request)
      throws SQLException {
    // In one order always, so that two transactions seldom wait for each other.
    List<UpdateTableRequest> changes = new ArrayList<>(request.tableChanges());
    changes.sort(Comparator.comparing(change -> change.identifier().toString()));
    List<String> written = new ArrayList<>();
    try (TransactionPool transaction = new TransactionPool(databaseUrl, databaseProperties)) {
      JdbcCatalog tables =
          jdbcCatalog(catalog.name(), catalog.properties(), catalog.io(), transaction);
      try {
        for (UpdateTableRequest change : changes) {
          Table table = tables.loadTable(change.identifier());
          TableOperations operations = ((HasTableOperations) table).operations();
          String before = operations.current().metadataFileLocation();
          String after = CatalogHandlers.commit(operations, change).metadataFileLocation();
          if (!before.equals(after)) {
            written.add(after);
          }
        }
      } catch (RuntimeException failure) {
        // Nobody will ever refer to the metadata of what is undone.
        written.forEach(location -> deleteQuietly(catalog.io(), location));
        throw failure;
      }
      transaction.commit();
    }
  }

  private static void deleteQuietly(FileIO io, String location) {
    try {
      io.deleteFile(location);
    } catch (RuntimeException left) {
      System.err.println("{\"event\":\"iceberg\",\"outcome\":\"left behind\",\"file\":\"" + location + "\"}");
    }
  }

  /** A pool of one connection on which everything that runs belongs to one database transaction. */
  private static final class TransactionPool extends JdbcClientPool {
    private final Connection connection;

    TransactionPool(String url, Map<String, String> properties) throws SQLException {
      super(1, url, properties);
      connection = newClient();
      connection.setAutoCommit(false);
    }

    @Override
    public <R> R run(Action<R, Connection, SQLException> action, boolean retry)
        throws SQLException, InterruptedException {
      return action.run(connection);
    }

    void commit() throws SQLException {
      connection.commit();
    }

    @Override
    public void close() {
      // What was not committed is undone by the server when the session ends.
      close(connection);
    }
  }

  /** Credentials of MinIO's or Amazon's STS for the session policy that the gateway wrote. */
  private Answer credentials(JsonNode wanted) {
    try {
      AssumeRoleRequest.Builder request =
          AssumeRoleRequest.builder()
              .roleSessionName(wanted.get("sessionName").asText())
              .policy(wanted.get("policy").asText())
              .durationSeconds(wanted.get("seconds").asInt());
      if (wanted.hasNonNull("roleArn")) {
        request.roleArn(wanted.get("roleArn").asText());
      }
      if (wanted.hasNonNull("externalId")) {
        request.externalId(wanted.get("externalId").asText());
      }
      Credentials given = sts(wanted).assumeRole(request.build()).credentials();
      ObjectNode body = json.createObjectNode();
      body.put("access-key-id", given.accessKeyId());
      body.put("secret-access-key", given.secretAccessKey());
      body.put("session-token", given.sessionToken());
      body.put("expires-at-ms", given.expiration().toEpochMilli());
      return new Answer(200, body, Map.of());
    } catch (RuntimeException refused) {
      return error(
          422,
          "UnprocessableEntityException",
          "Failed to get subscoped credentials: " + refused.getMessage());
    }
  }

  private StsClient sts(JsonNode wanted) {
    String endpoint = wanted.path("endpoint").asText("");
    String region = wanted.path("region").asText("us-east-1");
    return stsClients.computeIfAbsent(
        region + " " + endpoint,
        ignored -> {
          var builder =
              StsClient.builder()
                  .region(Region.of(region))
                  .httpClientBuilder(
                      ApacheHttpClient.builder()
                          .connectionTimeout(Duration.ofSeconds(3))
                          .socketTimeout(Duration.ofSeconds(10)));
          if (!endpoint.isEmpty()) {
            builder.endpointOverride(URI.create(endpoint));
          }
          return builder.build();
        });
  }

  private static Answer error(int status, String type, String message) {
    ErrorResponse body =
        ErrorResponse.builder().responseCode(status).withType(type).withMessage(message).build();
    return new Answer(status, body, Map.of());
  }

  private static Answer failed(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        switch (sql.getSQLState()) {
          case "23505": // unique_violation: somebody else made it first
            return error(409, "AlreadyExistsException", "It was created by another call just now");
          case "40001", "40P01": // serialization_failure, deadlock_detected
            return error(409, "CommitFailedException", "Another commit was faster; try again");
          default:
        }
      }
    }
    int status = status(failure);
    String type = failure.getClass().getSimpleName();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof S3Exception storage) {
        type = storage.getClass().getSimpleName();
      }
    }
    if (status == 500) {
      record(failure);
    }
    return error(status, type, failure.getMessage());
  }

  /** One line of JSON with the chain of causes and where the last of them arose. */
  private static void record(Exception failure) {
    ObjectNode line = new ObjectMapper().createObjectNode();
    line.put("time", Instant.now().toString()).put("event", "iceberg").put("outcome", "failed");
    var causes = line.putArray("causes");
    Throwable last = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      causes.add(cause.getClass().getName() + ": " + cause.getMessage());
      last = cause;
    }
    var places = line.putArray("at");
    Arrays.stream(last.getStackTrace()).limit(5).forEach(frame -> places.add(frame.toString()));
    System.err.println(line);
  }

  /** The status with which Polaris answers what Iceberg, the object store or the request did. */
  private static int status(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof S3Exception storage) {
        return storageStatus(storage);
      }
    }
    if (failure instanceof NoSuchNamespaceException
        || failure instanceof NoSuchTableException
        || failure instanceof NoSuchViewException
        || failure instanceof NotFoundException) {
      return 404;
    }
    if (failure instanceof AlreadyExistsException
        || failure instanceof CommitFailedException
        || failure instanceof NamespaceNotEmptyException) {
      return 409;
    }
    if (failure instanceof UnprocessableEntityException) {
      return 422;
    }
    if (failure instanceof ForbiddenException) {
      return 403;
    }
    if (failure instanceof UnsupportedOperationException) {
      return 406;
    }
    if (failure instanceof ValidationException
        || failure instanceof IllegalArgumentException
        || failure instanceof com.fasterxml.jackson.core.JacksonException) {
      return 400;
    }
    return 500;
  }

  private static int storageStatus(S3Exception storage) {
    String said = String.valueOf(storage.getMessage()).toLowerCase(Locale.ROOT);
    if (said.contains("access denied") || storage.statusCode() == 401) {
      return 403;
    }
    if (storage.statusCode() == 404) {
      return 400;
    }
    if (storage.statusCode() >= 500) {
      return 502;
    }
    return storage.statusCode() >= 400 ? storage.statusCode() : 500;
  }
}
