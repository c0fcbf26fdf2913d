import ArgumentParser
import Collectives
import Engine
import Records
import Runs
import Scoring

extension ModelExport.FileFormat: ExpressibleByArgument {}
extension ModelImport.FileFormat: ExpressibleByArgument {}

struct ExportCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a checkpoint's model for PyTorch, Keras or ONNX.",
    discussion: """
      torch  safetensors with the state dict of nn.Embedding, nn.GRU, nn.RNN or nn.LSTM, and \
      nn.Linear
      keras  safetensors with the weights of Embedding, GRU, SimpleRNN or LSTM, and Dense
      onnx   a graph from tokens and state to logits and state, which onnxruntime runs

      Models of other tasks than language go to PyTorch and ONNX, with the scales of their inputs: \
      a graph reads the data's own numbers, and forecasts in their units.

      nn.GRU resets after the recurrent product, so that a model with reset "before" goes to Keras \
      and ONNX only. docs/interoperability.md has the lines of Python that load each.

      EXAMPLES
        gru-dist export runs/lm --format onnx --output lm.onnx
        gru-dist export runs/lm/checkpoints/step-00000800 --format keras --output lm.safetensors
        gru-dist export runs/lm --format torch --output lm.safetensors --vocabulary lm.txt
      """)

  @Argument(
    help: "A run directory (its best checkpoint, else its newest) or a checkpoint.",
    completion: .directory)
  var path: String

  @OptionGroup(title: "Which checkpoint") var checkpoint: CheckpointOptions

  @Option(help: "torch, keras or onnx.") var format: ModelExport.FileFormat
  @Option(help: "The file to make, which must not exist yet.", completion: .file())
  var output: String
  @Option(
    help: "A text file to make of the tokens, a line each in their order; it must not exist yet.",
    completion: .file())
  var vocabulary: String?
  @OptionGroup var printing: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var export = ModelExport(path: path, format: format, output: output)
    export.wish = checkpoint.wish
    export.vocabulary = vocabulary
    return try runOnce(json: printing.json, on: communicator) { try export.run(console: $0) }
  }
}

struct ImportCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a run of a model that PyTorch or Keras trained.",
    discussion: """
      Reads a safetensors file, checks that it holds the model of the config, and writes a run \
      directory with a checkpoint of step 0, which evaluate, sample and export take, and from \
      which train --resume goes on. The config's training text gives the tokenizer, and the data \
      of another task its classes and scales; a file whose metadata name others is refused with \
      the difference, unless --take-over gives the run those of the file. What a file cannot prove \
      is said as "assumed".

      EXAMPLES
        gru-dist import model.safetensors --format torch configs/lm-reset-after.json \\
          --run-directory runs/imported
        gru-dist configs/lm-reset-after.json --run-directory runs/imported --resume
        gru-dist import words.safetensors configs/wikitext-2.json --vocabulary words.txt \\
          --set model.reset=after --run-directory runs/words
      """)

  @Argument(help: "A safetensors file.", completion: .file(extensions: ["safetensors"]))
  var file: String

  @Option(help: "torch or keras.") var format = ModelImport.FileFormat.torch
  @OptionGroup var config: ConfigOptions
  @Flag(help: "Replace a run in a run directory that exists.") var overwrite = false
  @Flag(help: "Take the tokenizer, or columns and classes, that the file names over.")
  var takeOver = false
  @Option(
    help: "The tokens of the model (words or characters), a line each in the order of their rows.",
    completion: .file())
  var vocabulary: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if takeOver, vocabulary != nil {
      throw ValidationError("--take-over and --vocabulary both give a tokenizer: give one of them")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    try communicator.agree {
      if communicator.worldSize > 1 {
        throw UsageError(
          "import is a single process, found \(communicator.worldSize) ranks; start it without "
            + "mpirun")
      }
    }
    var options = config.options()
    options.overwrite = overwrite
    var command = ModelImport(file: file, format: format, options: options)
    command.takesOver = takeOver
    command.vocabulary = vocabulary
    return try runOnce(json: output.json, on: communicator) { try command.run(console: $0) }
  }
}
