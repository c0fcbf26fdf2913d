import ArgumentParser
import Checkpoints
import Collectives
import Engine
import Foundation
import Records
import Runs
import Scoring

/// Which checkpoint of a run is used.
struct CheckpointOptions: ParsableArguments {
  @Flag(help: "Take the run's best checkpoint by run.best_by (the default where it validated).")
  var best = false

  @Flag(help: "Take the run's newest whole checkpoint.")
  var newest = false

  func validate() throws {
    if best && newest { throw ValidationError("give --best or --newest, not both") }
  }

  /// Nil where nobody asks.
  var wish: ChosenCheckpoint.Wish? { best ? .best : newest ? .newest : nil }
}

struct EvaluateCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a checkpoint's loss on a text.",
    discussion: """
      EXAMPLES
        gru-dist evaluate runs/lm
        gru-dist evaluate runs/lm --newest
        gru-dist evaluate runs/lm --test
        mpirun -np 2 gru-dist evaluate runs/lm/checkpoints/step-00000800 --text other.txt
      """)

  @Argument(
    help: "A run directory (its best checkpoint, else its newest) or a checkpoint.",
    completion: .directory)
  var path: String

  @OptionGroup(title: "Which checkpoint") var checkpoint: CheckpointOptions

  @Option(help: "The text; the run's validation text by default.", completion: .file())
  var text: String?

  @Flag(
    help: "Measure on what the config sets aside to test on (data.test, test_fraction, split).")
  var test = false

  @Option(
    help: ArgumentHelp(
      "Of forecasts: make them at an origin every so many steps, and tell each.",
      discussion: "With the horizon of the model every step is forecast once."))
  var backtest: Int?

  @Option(
    help: "Of forecasts by a distribution: levels of intervals, such as 0.5,0.9 (0.5,0.8,0.95).")
  var intervals: String?

  @Option(
    help: ArgumentHelp(
      "Parts that the text is cut into, each from the initial state.",
      discussion: """
        By default as many as training had sequences. With 1, the hidden state is carried from the \
        first token to the last, by one worker.
        """))
  var streams: Int?

  @Option(help: "Threads of each rank.")
  var threads: Int?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let backtest, !(1...1 << 30 ~= backtest) {
      throw ValidationError("--backtest: expected at least 1 step, found \(backtest)")
    }
    if let intervals, levels == nil {
      throw ValidationError(
        "--intervals: expected levels above 0 and below 1, such as 0.5,0.9, found \(intervals)")
    }
    if test, text != nil { throw ValidationError("give --test or --text, not both") }
    if let threads, !(1...4096 ~= threads) {
      throw ValidationError("--threads: expected 1 to 4096, found \(threads)")
    }
    if let streams, !(1...65_536 ~= streams) {
      throw ValidationError("--streams: expected 1 to 65536, found \(streams)")
    }
  }

  /// The levels of intervals; nil where there are none.
  private var levels: [Double]? {
    guard let intervals else { return nil }
    let fields = intervals.split(separator: ",", omittingEmptySubsequences: false)
    let levels = fields.compactMap { Double($0) }.filter { $0 > 0 && $0 < 1 }
    return levels.count == fields.count && levels.count <= 100 ? levels : nil
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    var evaluation = Evaluation(
      path: path, text: text, threads: threads, instructionSet: compute.instructionSet)
    evaluation.streams = streams
    evaluation.isTest = test
    evaluation.backtest = backtest
    evaluation.intervals = levels
    evaluation.wish = checkpoint.wish
    let console = Console(isJSON: output.json, isCoordinator: communicator.rank == 0)
    try evaluation.run(on: communicator, console: console)
    try communicator.coordinate { try console.requireWritten() }
    return ExitStatus.done
  }
}

struct SampleCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Draw text from a checkpoint's model.",
    discussion: """
      EXAMPLES
        gru-dist sample runs/lm --prompt "The " --temperature 0.8
        gru-dist sample runs/lm --length 2000 --top-k 20 --seed 7
        gru-dist sample runs/lm --top-p 0.9 --no-unknown --count 10 --json > samples.jsonl
        gru-dist sample runs/lm --prompt "Q: What is a hack? A:" --stop "Q:" --stop $'\\n\\n'
      """)

  @Argument(
    help: "A run directory (its best checkpoint, else its newest) or a checkpoint.",
    completion: .directory)
  var path: String

  @OptionGroup(title: "Which checkpoint") var checkpoint: CheckpointOptions

  @Option(
    help: """
      The text to go on from; without one, it begins as after a line end, or after the most \
      frequent token of a training text that has no line ends.
      """)
  var prompt = ""

  @Option(help: "Tokens to draw.")
  var length = 500

  @Option(help: "Below 1 is more predictable, above 1 more varied; 0 takes the likeliest.")
  var temperature = 1.0

  @Option(help: "Draw among that many of the likeliest tokens.")
  var topK: Int?

  @Option(
    help: ArgumentHelp(
      "Draw among the fewest of the likeliest tokens that have this probability together.",
      discussion: "With --top-k, of what that leaves; the likeliest token stays always."))
  var topP: Double?

  @Option(help: "Texts to draw; the first is the one that is drawn without this option.")
  var count = 1

  @Option(
    help: ArgumentHelp(
      "End a text where this stands in it, and leave it out; may be repeated.", valueName: "text"))
  var stop: [String] = []

  @Flag(help: "Never draw the token of unknown words or characters.")
  var noUnknown = false

  @Option(help: "Another seed draws other texts.")
  var seed = 1

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var sampling = Sampling(path: path)
    sampling.wish = checkpoint.wish
    sampling.prompt = prompt
    sampling.length = length
    sampling.temperature = temperature
    sampling.topK = topK
    sampling.topP = topP
    sampling.count = count
    sampling.stops = stop
    sampling.leavesUnknownOut = noUnknown
    sampling.seed = seed
    sampling.instructionSet = compute.instructionSet
    return try runOnce(json: output.json, on: communicator) { console in
      // With JSON the text appears on standard error as it is drawn.
      let choice = try sampling.run {
        if count > 1 { console.say("--- \($0 + 1) of \(count)") }
      } emit: {
        try console.emit($0)
      } finish: { choice, drawn in
        console.put("\n")
        console.record(record(drawn, of: choice))
        try console.requireWritten()
      }
      // Standard output is the text's.
      if let words = choice.words {
        Console.complain("gru-dist: drawn from \(choice.checkpoint.path), \(words)")
      }
    }
  }

  private func record(_ drawn: Sampling.Drawn, of choice: ChosenCheckpoint) -> OrderedJSON {
    let record: OrderedJSON = [
      "kind": "sample", "checkpoint": .string(choice.checkpoint.path),
      "step": .integer(choice.checkpoint.step), "prompt": .string(prompt),
      "seed": .integer(seed), "index": .integer(drawn.index), "temperature": .number(temperature),
      "tokens": .integer(drawn.tokens), "stop": drawn.stop.map { .string($0) } ?? .null,
      "text": .string(String(decoding: drawn.text, as: UTF8.self)),
    ]
    return record.merging(choice.json)
  }
}

struct InspectCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Verify and describe a checkpoint or a run's newest.",
    discussion: """
      EXAMPLES
        gru-dist inspect runs/lm
        gru-dist inspect runs/lm --json
      """)

  @Argument(help: "A run directory or a checkpoint.", completion: .directory)
  var path: String

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    let inspection = Inspection(path: path)
    return try runOnce(json: output.json, on: communicator) { try inspection.run(console: $0) }
  }
}
