import java.util.Collections;
import org.apache.beam.model.pipeline.v1.RunnerApi.Pipeline;
import org.apache.beam.runners.flink.FlinkJobInvoker;
import org.apache.beam.runners.flink.FlinkJobServerDriver;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.FlinkPipelineRunner;
import org.apache.beam.runners.jobsubmission.JobInvocation;
import org.apache.beam.runners.jobsubmission.PortablePipelineRunner;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.vendor.guava.v32_1_2_jre.com.google.common.util.concurrent.ListeningExecutorService;

/**
 * Beam's job server for Flink, as {@code FlinkJobServerDriver.main} starts it, but for two things: it does without the
 * Google Cloud jars, and it sends no jars along with a job, since this cluster has them on its class path.
 * {@code -Dnightscore.stage.jars=true} sends them, for a cluster that has only Flink's own.
 */
public final class FlinkJobServer extends FlinkJobInvoker {

  private FlinkJobServer(FlinkJobServerDriver.FlinkServerConfiguration configuration) {
    super(configuration);
  }

  @Override
  protected JobInvocation createJobInvocation(
      String id,
      String token,
      ListeningExecutorService executor,
      Pipeline pipeline,
      FlinkPipelineOptions options,
      PortablePipelineRunner runner) {
    boolean submitsToFlink = runner instanceof FlinkPipelineRunner; // the other one writes a jar and submits nothing
    if (submitsToFlink && !Boolean.getBoolean("nightscore.stage.jars")) {
      runner = new FlinkPipelineRunner(options, null, Collections.emptyList());
    }
    return super.createJobInvocation(id, token, executor, pipeline, options, runner);
  }

  public static void main(String[] args) {
    FileSystems.setDefaultPipelineOptions(PipelineOptionsFactory.create());
    FlinkJobServerDriver.FlinkServerConfiguration configuration = FlinkJobServerDriver.parseArgs(args);
    FlinkJobServerDriver.fromConfig(configuration, () -> new FlinkJobServer(configuration)).run();
  }
}
