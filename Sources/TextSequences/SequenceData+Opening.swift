package import Corpora
package import Datasets
import Tasks

extension SequenceData {
  /// Opens or makes what is asked for.
  ///
  /// - Parameters:
  ///   - request: of texts, of numbers, or of what a task makes up.
  ///   - frame: of a checkpoint; nil learns it from the training data.
  ///   - tokenizer: the same.
  package init(
    opening request: SequenceRequest, frame: TaskFrame? = nil, tokenizer: Tokenizer? = nil
  ) throws {
    guard let text = request.text else {
      try self.init(request, frame: frame)
      return
    }
    if request.task.outputs == .items {
      try self.init(readingSessions: text, request, tokenizer: tokenizer)
    } else if text.documents != nil {
      try self.init(readingDocuments: text, request, tokenizer: tokenizer)
    } else if request.task.targets == .everyStep {
      try self.init(readingTags: text, request, frame: frame, tokenizer: tokenizer)
    } else {
      try self.init(readingTexts: text, request, frame: frame, tokenizer: tokenizer)
    }
  }
}
