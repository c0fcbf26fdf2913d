import ArgumentParser
import Collectives
import Engine
import Prediction
import Records

extension ResultFormat: ExpressibleByArgument {}
extension StateReading: ExpressibleByArgument {}
extension ScoreUnit: ExpressibleByArgument {}

struct PredictCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Apply a model to new data.",
    discussion: """
      Reads what `evaluate` reads, without labels, and writes in the same order: classes with \
      their probabilities, forecasts in the units of the data. Columns are found by name; others \
      are left out. What is missing or unknown is told on standard error.

      EXAMPLES
        gru-dist predict runs/digits new.csv --output classes.csv
        gru-dist predict runs/digits new.jsonl --top 3 --keep id
        gru-dist predict runs/forecasting new.csv --last --keep date --format jsonl
        gru-dist predict runs/recommendation sessions.csv --top 10
        gru-dist predict runs/log new.log --ranks 9
        gru-dist predict runs/names names.txt --states mean --output vectors.csv
        tail -f events.csv | gru-dist predict runs/sessions --follow --session user
        gru-dist predict runs/digits *.csv.gz > classes.csv
        mpirun -np 4 gru-dist predict runs/digits large.csv --output classes.csv
      """)

  @Argument(
    help: "A run directory (its best checkpoint, else its newest) or a checkpoint.",
    completion: .directory)
  var path: String

  @Argument(help: "What to read, one after another; - is standard input.", completion: .file())
  var files: [String] = ["-"]

  @OptionGroup(title: "Which checkpoint") var checkpoint: CheckpointOptions

  @Option(help: "Where to write; standard output by default.", completion: .file())
  var output: String?

  @Option(help: "csv or jsonl; by default what the output's name ends in, else csv.")
  var format: ResultFormat?

  @Option(help: "Columns to hand on as they are, with commas between them.")
  var keep: String?

  @Option(help: "Give so many of the most likely classes or items, instead of one.")
  var top: Int?

  @Flag(help: "Of each series forecast only what follows its end.")
  var last = false

  @Option(help: "Give state vectors of the top layer instead: the last of each, or the mean.")
  var states: StateReading?

  @Option(help: "What a language model scores: line (the default) or token.")
  var by: ScoreUnit?

  @Option(help: "Flag tokens that are not among so many of the model's most likely.")
  var ranks: Int?

  @Flag(help: "Answer each line as it comes: one time step, or one text, of its session.")
  var follow = false

  @Option(help: "With --follow: the column, or member, that tells sessions apart.")
  var session: String?

  @Option(
    help: "With --follow: sessions in memory; the one that was not used for longest is dropped.")
  var sessions: Int?

  @Option(help: "Threads of each rank.")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Sequences that each thread computes at once.",
      discussion: "By default as many as are fast. Results are the same with all."))
  var batch: Int?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let threads, !(1...4096 ~= threads) {
      throw ValidationError("--threads: expected 1 to 4096, found \(threads)")
    }
    if let batch, !(1...65_536 ~= batch) {
      throw ValidationError("--batch: expected 1 to 65536, found \(batch)")
    }
    if let ranks, ranks < 1 {
      throw ValidationError("--ranks: expected at least 1, found \(ranks)")
    }
    if !follow, session != nil || sessions != nil {
      throw ValidationError("--session and --sessions go with --follow")
    }
    if let sessions, sessions < 1 {
      throw ValidationError("--sessions: expected at least 1, found \(sessions)")
    }
    if let top, top < 1 { throw ValidationError("--top: expected at least 1, found \(top)") }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    var prediction = Prediction(path: path)
    prediction.wish = checkpoint.wish
    prediction.files = files
    prediction.output = output
    prediction.format = format
    prediction.kept = keep.map { $0.split(separator: ",").map(String.init) } ?? []
    prediction.top = top
    prediction.lastOnly = last
    prediction.states = states
    prediction.unit = by
    prediction.ranks = ranks
    prediction.follows = follow
    prediction.session = session
    if let sessions { prediction.sessions = sessions }
    prediction.threads = follow ? threads ?? 1 : threads
    prediction.rows = batch
    prediction.instructionSet = compute.instructionSet
    try prediction.run(on: communicator)
    return ExitStatus.done
  }
}
