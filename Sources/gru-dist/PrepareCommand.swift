import ArgumentParser
import Collectives
import Corpora
import Foundation
import Scoring

struct PrepareCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Turn texts into a token file, which training maps into memory.",
    discussion: """
      Texts may be of any size: a first pass learns the vocabulary, a second one writes the \
      tokens, and neither holds a text in memory. Standard input is copied beside the output first.

      Examples:
        gru-dist prepare train.txt --output data/train.tokens --tokenizer word
        gru-dist prepare valid.txt --output data/valid.tokens --tokenizer-from data/train.tokens
        zcat *.gz | gru-dist prepare - --output data/all.tokens --tokenizer bpe
      """)

  @Argument(help: "Text files, directories of them, or - for standard input.")
  var inputs: [String] = []

  @Option(help: "The token file to write.")
  var output: String

  @Option(help: "byte, character, word or bpe.")
  var tokenizer: Tokenizer.Kind?

  @Option(help: "Words that occur less often are unknown, byte pairs that do are not merged.")
  var minimumCount = 1

  @Option(help: "Most tokens of the vocabulary; 0 for no limit of words and 4096 of bpe.")
  var vocabularyLimit = 0

  @Option(help: "Use the tokenizer of that token file, run or checkpoint.")
  var tokenizerFrom: String?

  @Flag(help: "Replace a file that exists.")
  var overwrite = false

  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if (tokenizer == nil) == (tokenizerFrom == nil) {
      throw ValidationError("give either --tokenizer or --tokenizer-from")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    var preparation = Preparation(
      inputs: inputs, output: output,
      learning: Tokenizer.Learning(
        tokenizer ?? .byte, minimumCount: minimumCount, vocabularyLimit: vocabularyLimit)
    ) { try LoadedModel(path: $0).tokenizer }
    preparation.tokenizerSource = tokenizerFrom
    preparation.overwrite = overwrite
    return try runOnce(json: outputOptions.json, on: communicator) {
      try preparation.run(console: $0)
    }
  }
}

extension Tokenizer.Kind: ExpressibleByArgument {
  package init?(argument: String) {
    self.init(rawValue: argument == "char" ? "character" : argument)
  }
}
