import ArgumentParser
import Configuration
import Foundation

/// What somebody may have meant by a word that is no command.
enum CommandSuggestion {
  /// Throws for words that begin with neither a command nor what may be a config.
  static func check(_ words: [String]) throws {
    guard let first = words.first, !first.hasPrefix("-") else { return }
    let commands = names(below: GRUDist.self)
    if first == "help" { return try checkHelp(words.dropFirst()) }
    if let command = command(first, below: GRUDist.self) {
      let inner = names(below: command)
      guard !inner.isEmpty, words.count > 1, !words[1].hasPrefix("-"), words[1] != "help",
        !inner.contains(words[1])
      else { return }
      throw ValidationError(
        "'\(words[1])' is no part of \(first); " + hint(for: words[1], among: inner))
    }
    let mayBePath = first.contains("/") || first.contains(".")
    if mayBePath || FileManager.default.fileExists(atPath: first) { return }
    throw ValidationError(
      "'\(first)' is no command, and there is no config file of that name; "
        + hint(for: first, among: commands))
  }

  /// Throws for a command to help with that does not exist.
  private static func checkHelp(_ words: ArraySlice<String>) throws {
    var above: any ParsableCommand.Type = GRUDist.self
    for word in words where !word.hasPrefix("-") {
      guard let command = command(word, below: above) else {
        throw ValidationError(
          "there is no command '\(word)' to help with; "
            + hint(for: word, among: names(below: above)))
      }
      above = command
    }
  }

  private static func command(
    _ name: String, below above: any ParsableCommand.Type
  ) -> (any ParsableCommand.Type)? {
    above.configuration.subcommands.first { $0.configuration.commandName == name }
  }

  private static func names(below above: any ParsableCommand.Type) -> [String] {
    above.configuration.subcommands.filter { $0.configuration.shouldDisplay }
      .compactMap { $0.configuration.commandName }
  }

  private static func hint(for word: String, among names: [String]) -> String {
    let plain = word.lowercased().replacing("_", with: "-")
    let near = names.map { ($0, editDistance($0, plain)) }.min { $0.1 < $1.1 }
    if let near, near.1 <= max(1, min(2, plain.count / 3)) { return "did you mean \(near.0)?" }
    if let other = others[plain], names.contains(String(other.prefix { $0 != " " })) {
      return "did you mean \(other)?"
    }
    let beginning = names.filter { plain.count > 1 && $0.hasPrefix(plain) }
    if !beginning.isEmpty { return "did you mean \(beginning.joined(separator: " or "))?" }
    if plain == "version" { return "did you mean --version?" }
    return names.count > 8
      ? "gru-dist --help lists the commands" : "there are \(names.joined(separator: ", "))"
  }

  /// Commands by the names that other programs have for them.
  private static let others: [String: String] = {
    var others: [String: String] = [:]
    for (command, names) in namesElsewhere {
      for name in names.split(separator: " ") { others[String(name)] = command }
    }
    return others
  }()

  private static let namesElsewhere: KeyValuePairs<String, String> = [
    "init": "new create config template setup generate-config quickstart",
    "train": "fit learn run",
    "train CONFIG --resume": "resume continue restart",
    "train CONFIG --from": "finetune fine-tune",
    "evaluate": "eval test validate score perplexity",
    "predict": "infer inference apply forecast classify tag recommend",
    "sample": "generate gen draw text complete",
    "inspect": "show info describe summary verify",
    "runs": "list ls ps status experiments",
    "compare": "diff",
    "prune": "clean rm remove delete compact",
    "metrics": "log logs history csv",
    "dashboard": "serve server ui web tensorboard monitor",
    "plan": "estimate simulate scale",
    "daemon": "supervise watch start launch",
    "doctor": "diagnose health env environment",
    "lr-range": "lrfind lr-find find-lr lr-finder lrrange",
    "bench": "benchmark perf profile speed",
    "prepare": "tokenize tokenise preprocess encode",
    "export": "convert save onnx to-torch to-onnx to-keras",
    "import": "load from-torch from-keras",
    "completions": "autocomplete completion",
  ]
}
