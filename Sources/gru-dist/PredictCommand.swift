import ArgumentParser
import Collectives
import Engine
import Prediction
import Records

extension ResultFormat: ExpressibleByArgument {}

struct PredictCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Say what a model makes of new data.",
    discussion: """
      Reads what `evaluate` reads, without labels, and writes in the same order: classes with \
      their probabilities, forecasts in the units of the data. Columns are found by name; others \
      are left out. What is missing or unknown is told on standard error.

      EXAMPLES
        gru-dist predict runs/digits new.csv --output classes.csv
        gru-dist predict runs/digits new.jsonl --top 3 --keep id
        gru-dist predict runs/forecasting new.csv --last --keep date --format jsonl
        zcat *.csv.gz | gru-dist predict runs/digits - > classes.csv
        mpirun -np 4 gru-dist predict runs/digits large.csv --output classes.csv
      """)

  @Argument(
    help: "A run directory (its best checkpoint, else its newest) or a checkpoint.",
    completion: .directory)
  var path: String

  @Argument(help: "What to read, one after another; - is standard input.", completion: .file())
  var files: [String] = ["-"]

  @OptionGroup var checkpoint: CheckpointOptions

  @Option(help: "Where to write; standard output by default.", completion: .file())
  var output: String?

  @Option(help: "csv or jsonl; by default what the output's name ends in, else csv.")
  var format: ResultFormat?

  @Option(help: "Columns to hand on as they are, with commas between them.")
  var keep: String?

  @Option(help: "The likeliest classes, so many of them, instead of the likeliest alone.")
  var top: Int?

  @Flag(help: "Of each series forecast only what follows its end.")
  var last = false

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
    prediction.threads = threads
    prediction.rows = batch
    prediction.instructionSet = compute.instructionSet
    try prediction.run(on: communicator)
    return ExitStatus.done
  }
}
