import ArgumentParser
import Foundation

/// The words of the command line, as the parser takes them.
enum CommandLineWords {
  /// - Throws: for a word that is not UTF-8, which would otherwise be repaired without a word.
  static func read() throws -> [String] {
    for (place, word) in CommandLine.arguments.enumerated().dropFirst() {
      guard let bytes = unsafe CommandLine.unsafeArgv[place] else { break }
      let length = unsafe strlen(bytes)
      let isRepaired = unsafe !word.utf8.elementsEqual(
        UnsafeRawBufferPointer(start: bytes, count: length))
      if isRepaired { throw ValidationError("argument \(place) is not UTF-8: \(word)") }
    }
    return joiningNegativeNumbers(Array(CommandLine.arguments.dropFirst()))
  }

  /// Makes `--temperature -1` the one word `--temperature=-1`: the parser takes a word that begins
  /// with a dash for an option, and would say that a value is missing.
  static func joiningNegativeNumbers(_ words: [String]) -> [String] {
    let end = words.firstIndex(of: "--") ?? words.count
    var joined: [String] = []
    for word in words[..<end] {
      if let option = joined.last, option.hasPrefix("--"), !option.contains("="),
        word.hasPrefix("-"), Double(word) != nil
      {
        joined[joined.count - 1] = "\(option)=\(word)"
      } else {
        joined.append(word)
      }
    }
    return joined + words[end...]
  }
}
