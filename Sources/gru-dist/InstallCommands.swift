import ArgumentParser
import Collectives
import Engine
import Foundation
import Records

struct CompletionsCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Print what lets a shell complete commands and options.",
    discussion: """
      Without a shell it says where the script of each belongs. launch/install puts them all in \
      place.

      EXAMPLES
        gru-dist completions
        gru-dist completions bash > ~/.local/share/bash-completion/completions/gru-dist
        gru-dist completions zsh > ~/.zfunc/_gru-dist
        gru-dist completions fish > ~/.config/fish/completions/gru-dist.fish
      """)

  @Argument(
    help: "bash, zsh or fish; none says where each belongs.",
    completion: .list(Shell.allCases.map(\.rawValue)))
  var shell: Shell?

  func run(on communicator: any Communicator) throws -> Int32 {
    try runOnce(json: false, on: communicator) { console in
      if let shell { return console.put(shell.script) }
      for shell in Shell.allCases {
        console.say("\(shell.rawValue):")
        shell.place.forEach { console.say("  \($0)") }
      }
    }
  }

  /// The shells that there are scripts for.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    /// The script, with where it belongs behind its first line.
    var script: String {
      let made: CompletionShell =
        switch self {
        case .bash: .bash
        case .zsh: .zsh
        case .fish: .fish
        }
      // The first line may say what the script is.
      let lines = GRUDist.completionScript(for: made)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let isMarked = lines.first?.hasPrefix("#") == true
      let head = isMarked ? Array(lines.prefix(1)) : []
      let rest = lines.dropFirst(head.count)
      let text = (head + place.map { "# \($0)" } + rest).joined(separator: "\n")
      return text.hasSuffix("\n") ? text : text + "\n"
    }

    /// Where the script belongs, in lines.
    var place: [String] {
      switch self {
      case .bash:
        [
          "gru-dist completions bash > ~/.local/share/bash-completion/completions/gru-dist",
          "(for all users: /usr/local/share/bash-completion/completions; needs bash-completion;",
          "without it, source the script in ~/.bashrc)",
        ]
      case .zsh:
        [
          "gru-dist completions zsh > ~/.zfunc/_gru-dist",
          "(for all users: /usr/local/share/zsh/site-functions; in ~/.zshrc, before compinit:",
          "fpath=(~/.zfunc $fpath))",
        ]
      case .fish:
        [
          "gru-dist completions fish > ~/.config/fish/completions/gru-dist.fish",
          "(for all users: /usr/local/share/fish/vendor_completions.d)",
        ]
      }
    }
  }
}

struct ManualCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Write manual pages of all commands into a directory.",
    discussion: """
      A page a command, in section 1: gru-dist.1, gru-dist-train.1 and so on. Pages that are there \
      are replaced. launch/install puts them in place.

      EXAMPLES
        gru-dist manual ~/.local/share/man/man1 && man gru-dist-train
      """)

  @Argument(help: "The directory, which is made where it is missing.", completion: .directory)
  var directory: String

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    try runOnce(json: output.json, on: communicator) { console in
      let pages = try ManualPages().pages
      do {
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw UsageError("'\(directory)' cannot be made: \(error.localizedDescription)")
      }
      for page in pages {
        try FileDraft.write(
          Array(page.text.utf8), to: "\(directory)/\(page.name)", replaces: true)
      }
      console.say("\(directory): \(Format.count(pages.count, "page"))")
      console.record([
        "kind": "manual", "directory": .string(directory),
        "pages": .array(pages.map { .string($0.name) }),
      ])
    }
  }
}
