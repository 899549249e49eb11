import static net.bytebuddy.matcher.ElementMatchers.named;
import static net.bytebuddy.matcher.ElementMatchers.takesArguments;

import java.lang.instrument.Instrumentation;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.dynamic.loading.ClassReloadingStrategy;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.netty.NettyServerBuilder;

/**
 * A Java agent: whatever server Beam opens in this JVM listens on loopback. Beam asks gRPC for "a port", which is that
 * port on all interfaces: five a job in each TaskManager, and those of the job server whatever its --job-host says. No
 * option of Beam or Flink changes it.
 */
public final class LoopbackOnly {

  private LoopbackOnly() {}

  public static void premain(String arguments, Instrumentation instrumentation) throws NoSuchMethodException {
    NettyServerBuilder.class.getMethod("forPort", int.class); // when gRPC has no such method, this JVM does not start
    new ByteBuddy()
        .redefine(NettyServerBuilder.class)
        .visit(Advice.to(ForPort.class).on(named("forPort").and(takesArguments(int.class))))
        .make()
        .load(NettyServerBuilder.class.getClassLoader(), ClassReloadingStrategy.of(instrumentation));
  }

  /** What is done before {@code NettyServerBuilder.forPort} returns. It is copied into that method. */
  private static final class ForPort {

    @Advice.OnMethodExit
    static void onLoopback(@Advice.Argument(0) int port, @Advice.Return(readOnly = false) NettyServerBuilder builder) {
      builder = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }
  }
}
