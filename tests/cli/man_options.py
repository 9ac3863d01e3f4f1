"""man_options PAGE DIR COMMAND...: whether the man page and --help tell of the same options with the same defaults.

DIR holds COMMAND.help of each; its options stand in the page's section (.SS) of its name. What every subcommand takes may stand in a section
of its own; the tool itself, the first COMMAND, is not among those.
"""
import re
import sys

page, work, commands = sys.argv[1], sys.argv[2], sys.argv[3:]
text = re.sub(r'\\f[A-Z]|\\f\(..', '', open(page).read()).replace('\\-', '-')


def default_of(words):
    found = re.search(r'\bdefault[: ] ?([^;)]+)', ' '.join(words.split()))
    return found and found[1]


# {"-s, --streams N": what is said of it}
def of_help(lines):
    found, tag = {}, None
    for line in lines:
        option = re.match(r'  (-\w, |    )(--\S+( [][A-Z:]+)?)( .*|$)', line)
        if option:
            tag = (option[1].strip() + ' ' + option[2]).strip()
            found[tag] = option[4]
        elif tag:
            found[tag] += line
    return found


def of_man(lines):
    found, tag, after = {}, None, False
    for line in lines:
        if after and line.startswith('-'):
            tag = line.rstrip('\n')
            assert tag not in found, 'twice: ' + tag
            found[tag] = ''
        elif line.startswith(('.TP', '.PP', '.RE')):
            tag = None
        elif tag:
            found[tag] += line
        after = line.startswith('.TP')
    return found


sections, name = {}, None
for line in text.splitlines(True):
    if line.startswith(('.SS', '.SH')):
        name = line[3:].strip().strip('"')
        sections.setdefault(name, [])
    elif name:
        sections[name].append(line)
common = of_man(sections.get('Options of every subcommand', []))
told, faults = {}, []
for command in commands:
    help = of_help(open('%s/%s.help' % (work, command)))
    assert help, command
    man = of_man(sections[command])
    if command != commands[0]:
        man.update(common)
    faults += ['%s: not in the man page: %s' % (command, o) for o in help.keys() - man.keys()]
    faults += ['%s: not in --help: %s' % (command, o) for o in man.keys() - help.keys()]
    for option in help.keys() & man.keys():
        if default_of(help[option]) != default_of(man[option]):
            faults.append('%s: %s: %s, in the man page %s' % (command, option,
                default_of(help[option]), default_of(man[option])))
    told.update(help)
# and in running text
known = {word for option in told for word in re.findall(r'--[\w-]+', option)}
faults += ['no such option: ' + word
    for word in sorted(set(re.findall(r'(?<![\w-])--[a-z][\w-]*', text)) - known)]
sys.exit('\n'.join(faults) or None)
