import Cells
package import GRUCore
import Records

extension ModelShape {
  /// The cell, and whether it goes both ways, in words.
  package var recurrenceInWords: String {
    cell.words + (isBidirectional ? ", both directions" : "")
  }

  /// What goes in and what comes out, in words.
  package var endsInWords: String {
    if task.predictsInputTokens { return "vocabulary \(vocabularySize)" }
    let inputs =
      (task.readsTokens ? ["\(inputVocabularySize) kinds of tokens"] : [])
      + (task.readsValues ? [Format.count(valueSize, "input")] : [])
    return "\(inputs.joined(separator: " and ")), \(Format.count(vocabularySize, "output"))"
  }
}
