package example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.countersign.v1.ValidateRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a token from standard input and asks Countersign whether it is good. Exit codes: 0 valid, 1
 * refused, 2 wrong usage, 3 nobody can tell.
 */
public final class Main {
  private static final int VALID = 0;
  private static final int REFUSED = 1;
  private static final int USAGE = 2;
  private static final int CANNOT_TELL = 3;

  private static final List<String> OPTIONS =
      List.of("--address", "--timeout", "--ca-file", "--server-name");

  private Main() {}

  public static void main(String[] args) {
    System.exit(run(args));
  }

  private static int run(String[] args) {
    try (Validator validator = validator(options(args))) {
      String token = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip();
      var info = validator.validate(ValidateRequest.newBuilder().setToken(token).build());
      System.out.println("valid: " + info.getSubject());
      return VALID;
    } catch (Refused refused) {
      System.out.println("refused: " + refused.reason());
      return REFUSED;
    } catch (StatusRuntimeException trouble) {
      String code = trouble.getStatus().getCode().name();
      System.out.println(("cannot tell: " + code + " " + reason(trouble)).strip());
      for (Throwable cause = trouble; cause != null; cause = cause.getCause()) {
        System.err.println(cause.getMessage());
      }
      return CANNOT_TELL;
    } catch (IOException | RuntimeException problem) {
      // Java's own exit code for these is 1, which would blame the token.
      System.err.println(problem.getMessage());
      return USAGE;
    }
  }

  private static Validator validator(Map<String, String> options) throws IOException {
    String address = options.getOrDefault("--address", addressFromEnvironment());
    double seconds = Double.parseDouble(options.getOrDefault("--timeout", "1"));
    Duration timeout = Duration.ofMillis(Math.round(seconds * 1000));
    String caFile = options.get("--ca-file");
    return caFile == null
        ? Validator.plaintext(address, timeout)
        : Validator.tls(address, timeout, new File(caFile), options.get("--server-name"));
  }

  private static Map<String, String> options(String[] args) {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < args.length; i += 2) {
      if (!OPTIONS.contains(args[i]) || i + 1 == args.length) {
        throw new IllegalArgumentException("usage: validate [OPTION VALUE]..., of " + OPTIONS);
      }
      options.put(args[i], args[i + 1]);
    }
    return options;
  }

  private static String addressFromEnvironment() {
    String address = System.getenv("COUNTERSIGN_ADDRESS");
    return address == null || address.isEmpty() ? "127.0.0.1:50051" : address;
  }

  /** google.rpc.ErrorInfo.reason, which says more than the code. */
  private static String reason(StatusRuntimeException trouble) {
    for (Any detail : StatusProto.fromThrowable(trouble).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return detail.unpack(ErrorInfo.class).getReason();
        } catch (InvalidProtocolBufferException malformed) {
          return "";
        }
      }
    }
    return "";
  }
}
