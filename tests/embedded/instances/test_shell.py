"""The script that Run Command runs, its shell, and the small commands of Amazon Linux 2023."""

from __future__ import annotations

from labkit.embedded.clock import START

SOON = START.timestamp() + 10
PATH = (
    "/var/lib/amazon/ssm/i-0a1b2c3d4e5f60718/document/orchestration/11111111-2222-4333-8444-555555555555"
    "/awsrunShellScript/0.awsrunShellScript/_script.sh"
)


def test_an_unknown_command_is_127_and_named_as_the_agents_script_does(play):
    """The agent runs _script.sh and adds a last line without a line feed: https://github.com/aws/amazon-ssm-agent."""
    played = play("foo")
    assert played.err == f"{PATH}: line 1: foo: command not found\nfailed to run commands: exit status 127"
    assert played.code == 127


def test_a_command_that_a_real_instance_has_is_owned_up_to(play):
    err = play("ls -l").err
    assert f"{PATH}: line 1: ls: command not found\nlabkit: a real instance has ls; the embedded one has cat " in err


def test_the_last_commands_exit_code_counts(play):
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/command-exit-codes.html"""
    assert play("cat /nope", "echo").code == 0
    assert play("echo", "cat /nope").code == 1
    assert play("exit 3", "echo never").code == 3
    assert play("exit 3", "echo never").out == ""
    assert play().code == 0


#: Scripts, and what they print.
LINES = [
    ("echo a; echo b", "a\nb\n"),
    ("echo && echo yes", "\nyes\n"),
    ("cat && echo yes || echo no", "yes\n"),
    ("echo || echo no && echo yes", "\nyes\n"),
    ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n"),
    ("echo a#b # comment; echo no", "a#b\n"),
    ("# only a comment", ""),
    ("echo one \\\n two", "one two\n"),
    ("echo -n a; echo b;", "ab\n"),
    ("echo '$HOME | *'", "$HOME | *\n"),
    ("/usr/bin/echo x && sudo echo y", "x\ny\n"),
]


def test_words_quotes_and_lists(play):
    for script, out in LINES:
        played = play(*script.split("\n"))
        assert (played.out, played.code, played.err) == (out, 0, ""), script


#: Lines that bash runs, and what the shell lacks to run them.
LACKING = [
    ("ping -c 1 10.2.0.126 | tail -1", "pipes"),
    ("echo x > file", "redirections"),
    ("ping -c 1 10.2.0.126 2>&1", "redirections"),
    ("ping 10.2.0.126 &", "background commands"),
    ("echo $HOME", "variables and substitution"),
    ('echo "$(date)"', "variables and substitution"),
    ("echo `date`", "command substitution"),
    ("X=1", "variables"),
    ("for i in 1 2; do echo x; done", "control structures (for)"),
    ("cat /etc/*", "patterns"),
]


def test_what_the_shell_lacks_it_names_before_it_runs_anything_of_the_line(play):
    for line, lacks in LACKING:
        played = play("echo before", line, "echo after")
        assert (played.out, played.code, played.sent) == ("before\n", 2, []), line
        assert played.err.startswith(f"{PATH}: line 2: labkit: the embedded shell has no {lacks}")


#: Lines that bash refuses, and its message.
MALFORMED = [
    ('echo "abc', "unexpected EOF while looking for matching `\"'"),
    ("; echo x", "syntax error near unexpected token `;'"),
    ("echo x && && echo y", "syntax error near unexpected token `&&'"),
    ("echo x &&", "syntax error: unexpected end of file"),
]


def test_syntax_errors(play):
    for line, message in MALFORMED:
        played = play(line)
        assert played.err.startswith(f"{PATH}: line 1: {message}\n") and played.code == 2, line


def test_time_passes_only_where_something_takes_time(play):
    assert play("echo a; hostname; ip addr; cat /etc/os-release").took == 0
    played = play("echo; sleep 90; echo; sleep 1m; echo")
    assert [line.at - played.result.lines[0].at for line in played.result.lines] == [0, 90, 150]


def test_the_same_script_prints_the_same_at_the_same_times(play):
    script = ("ping -c 3 8.8.8.8", "traceroute 10.2.0.126", "curl http://10.2.0.126", "ip addr")
    assert play(*script).result == play(*script).result


def test_a_script_that_overruns_its_time_is_killed_where_it_stands(play):
    played = play("echo a", "sleep 100", "echo b", timeout=60)
    assert (played.out, played.code, played.result.timed_out, played.took) == ("a\n", 137, True, 60)
    assert played.err == ""


def test_cloud_init_says_whether_user_data_is_through(play):
    """https://docs.cloud-init.io/en/latest/reference/cli.html#status; with --wait, an empty line comes first."""
    assert play("cloud-init status").out == "status: done\n"
    waited = play("cloud-init status --wait")
    assert (waited.out, waited.took, waited.result.exit_code) == ("\nstatus: done\n", 0, 0)
    assert play("cloud-init clean").result.exit_code == 2


def test_cloud_init_waits_for_user_data_and_prints_dots(play):
    running = {"user_data_ends": SOON}
    assert play("cloud-init status", **running).out == "status: running\n"
    waited = play("cloud-init status --wait", **running)
    assert (waited.out, waited.took) == ("." * 40 + "\nstatus: done\n", 10)


def test_user_data_installs_nc(play):
    running = play("nc -vz 10.2.0.126 22", user_data_ends=SOON)
    assert "nc: command not found" in running.err
    assert "labkit:" not in running.err, "a real instance lacks it, too"
    assert play("sleep 10; nc -z 10.2.0.126 22", user_data_ends=SOON).result.exit_code == 0


def test_names_and_files(play):
    assert play("hostname").out == play("hostname -f").out == "ip-10-1-15-80.ec2.internal\n"
    assert play("hostname -I").out == "10.1.15.80 \n"
    release = play("cat /etc/os-release").out
    assert release.startswith('NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\n')
    assert play("cat /proc/sys/net/ipv4/ip_default_ttl").out == "127\n"
    missing = play("cat /nope")
    assert missing.err.startswith("cat: /nope: No such file or directory\n") and missing.code == 1


def test_ip_addr(play):
    assert play("ip addr show ens5").out == (
        "2: ens5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default qlen 1000\n"
        "    link/ether 06:e6:fc:f5:ba:77 brd ff:ff:ff:ff:ff:ff\n"
        "    altname enp0s5\n"
        "    altname eni-01ab329f120ebcf5\n"
        "    altname device-number-0.0\n"
        "    inet 10.1.15.80/20 metric 512 brd 10.1.15.255 scope global dynamic ens5\n"
        "       valid_lft 2389sec preferred_lft 2389sec\n"
        "    inet6 fe80::4e6:fcff:fef5:ba77/64 scope link proto kernel_ll \n"
        "       valid_lft forever preferred_lft forever\n"
    )
    assert play("ip a").out == play("ip a s lo").out + play("ip a s ens5").out
    assert "inet6" not in play("ip -4 a").out and "inet " not in play("ip -6 a").out


def test_ip_route(play):
    """What systemd-networkd sets from DHCP on Amazon Linux 2023: the router is the subnet's first address."""
    assert (
        play("ip route").out
        == play("ip r").out
        == (
            "default via 10.1.0.1 dev ens5 proto dhcp src 10.1.15.80 metric 512 \n"
            "10.1.0.0/20 dev ens5 proto kernel scope link src 10.1.15.80 metric 512 \n"
            "10.1.0.1 dev ens5 proto dhcp scope link src 10.1.15.80 metric 512 \n"
            "10.1.0.2 dev ens5 proto dhcp scope link src 10.1.15.80 metric 512 \n"
        )
    )


#: Command lines that a tool refuses, how its message begins, and its exit code.
REFUSED = [
    ("ping nosuch", "ping: nosuch: Name or service not known\n", 2),
    ("ping 10.2.0.999", "ping: 10.2.0.999: Name or service not known\n", 2),
    ("ping", "ping: usage error: Destination address required\n", 1),
    ("ping -c x 10.2.0.126", "ping: invalid argument: 'x'\n", 1),
    ("ping -c 0 10.2.0.126", "ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807\n", 1),
    ("ping 10.2.0.126 -c", "ping: option requires an argument -- 'c'\n", 2),
    ("ping -f 10.2.0.126", "labkit: the embedded ping lacks the option -f; it has -c -i -n -q -s -t -W.\n", 2),
    ("ping -c 1 2600:1f18::1", "ping: connect: Network is unreachable\n", 2),
    ("ip -br a", "labkit: the embedded ip lacks the option -br; it has -4 -6.\n", 1),
    ("ip addr show eth0", 'Device "eth0" does not exist.\n', 1),
    ("ip route add default via 10.1.0.1", "labkit: the embedded ip only shows; it lacks add.", 1),
    ("ip link", "labkit: the embedded ip shows addr and route; it lacks link.\n", 1),
    ("curl -sS http://nosuch", "curl: (6) Could not resolve host: nosuch\n", 6),
    ("curl --foo x", "labkit: the embedded curl lacks the option --foo; it has -I -m -o -s -S --head", 2),
    ("curl -L 10.2.0.126", "labkit: the embedded curl lacks the option -L; it has -I -m -o", 2),
    ("curl -m", "curl: option requires an argument -- 'm'\n", 2),
    ("curl -m x 10.2.0.126", "curl: option -m: expected a proper numerical parameter\n", 2),
    ("curl", "curl: (2) no URL specified\n", 2),
    ("curl -sS http://10.2.0.126:99999", "curl: (3) URL rejected: Port number was not a decimal number", 3),
    ("curl ftp://10.2.0.126", "labkit: the embedded curl does not speak ftp", 1),
    ("curl https://10.2.0.126", "labkit: the embedded curl does not speak https; use http://.\n", 1),
    ("curl -o page.html 10.2.0.126", "labkit: the embedded instance has no disk", 23),
    ("nc", "Ncat: You must specify a host to connect to. QUITTING.\n", 2),
    ("nc -z nosuch 22", 'Ncat: Could not resolve hostname "nosuch": Name or service not known. QUITTING.\n', 2),
    ("nc -z 10.2.0.126 20-25", 'Ncat: Invalid port number "20-25". QUITTING.\n', 2),
    ("nc -z 10.2.0.126 22 80", "Ncat: Got more than one port specification: 22 80. QUITTING.\n", 2),
    ("nc -l 80", "labkit: the embedded nc lacks the option -l; it has -v -w -z.\n", 2),
    ("nc 10.2.0.126 22", "labkit: the embedded nc only tests ports: nc -vz HOST PORT.\n", 2),
    ("nc -z -w soon 10.2.0.126 22", "labkit: the embedded nc takes -w as a number of seconds.\n", 2),
    (
        "traceroute nosuch",
        'nosuch: Name or service not known\nCannot handle "host" cmdline arg `nosuch\' on position 1',
        2,
    ),
    ("traceroute -m 0 10.2.0.126", "first hop out of range\n", 2),
    ("traceroute -m 300 10.2.0.126", "max hops cannot be more than 255\n", 2),
    ("traceroute -A 10.2.0.126", "labkit: the embedded traceroute lacks the option -A; it has -I -m -n.\n", 2),
    ("traceroute", 'Specify "host" missing argument.\n', 2),
]


def test_a_tool_says_what_is_wrong_with_its_command_line_and_sends_nothing(play):
    for command, message, code in REFUSED:
        played = play(command)
        assert played.err.startswith(message), command
        assert (played.code, played.out, played.sent) == (code, "", []), command
