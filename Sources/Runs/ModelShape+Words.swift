import Cells
import GRUCore
import Records

extension ModelShape {
  /// The cell, and whether it goes both ways, in words.
  var recurrenceInWords: String {
    cell.words + (isBidirectional ? ", both directions" : "")
  }

  /// What goes in and what comes out, in words.
  var endsInWords: String {
    if task.predictsInputTokens { return "vocabulary \(vocabularySize)" }
    let inputs =
      (task.readsTokens ? ["\(inputVocabularySize) kinds of tokens"] : [])
      + (task.readsValues ? [Format.count(valueSize, "input")] : [])
    return "\(inputs.joined(separator: " and ")), \(Format.count(vocabularySize, "output"))"
  }
}
