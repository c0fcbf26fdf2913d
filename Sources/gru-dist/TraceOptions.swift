import ArgumentParser
import Records
import Traces

/// Options of commands that write a timeline of training steps.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write a timeline of some steps of all ranks and threads to a file.",
      discussion: """
        A JSON file of trace events, which ui.perfetto.dev and about:tracing open. A file that is \
        there is replaced. docs/timeline.md
        """, valueName: "file"),
    completion: .file(extensions: ["json"]))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "With --trace: the first and last step, or one; by default five after the first ones.",
      discussion: """
        Steps are counted as everywhere, from the beginning of the run. By default those from the \
        11th to the 15th after the start or resume; of bench, the first five that count.
        """, valueName: "first-last"))
  var traceSteps: String?

  func validate() throws {
    guard let traceSteps else { return }
    if trace == nil { throw ValidationError("--trace-steps is for --trace, which names the file") }
    if TraceRequest.range(traceSteps) == nil {
      throw ValidationError(
        "--trace-steps: expected a step or two with a hyphen, such as 11-15, counted from 1, "
          + "found '\(traceSteps)'")
    }
  }

  /// Nil for no timeline.
  var request: TraceRequest? {
    trace.map { TraceRequest(path: $0, steps: traceSteps.flatMap(TraceRequest.range)) }
  }
}
