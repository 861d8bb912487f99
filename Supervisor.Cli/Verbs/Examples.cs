namespace Supervisor.Cli.Verbs;

/// <summary>Examples of each verb, for its help. A test reads every one of them as a command.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, string[]> ByVerb = new(StringComparer.Ordinal)
    {
        ["serve"] = ["serve", "serve --address /run/two/s --root /var/lib/two --group adm"],
        ["run"] =
        [
            "run --rootfs / -- echo hello", "run -it --rootfs /srv/alpine sh",
            "run -d --name web -m 64m --pids-limit 50 --rootfs /srv/web httpd -f",
        ],
        ["create"] = ["create --name job -e MODE=full --rootfs /srv/job /bin/job"],
        ["start"] = ["start web db", "start -ai shell", "start --checkpoint before web"],
        ["stop"] = ["stop web", "stop -s INT -t 60 db cache"],
        ["restart"] = ["restart web", "restart -t 30 db"],
        ["pause"] = ["pause web"],
        ["unpause"] = ["unpause web"],
        ["exec"] = ["exec -it web sh", "exec -d -u app -w /srv web ./reindex --all", "exec --privileged web mount"],
        ["attach"] = ["attach shell", "attach --no-stdin web"],
        ["checkpoint"] = ["checkpoint create web before", "checkpoint ls web", "checkpoint rm web before"],
        ["checkpoint create"] = ["checkpoint create web before", "checkpoint create --leave-running web before"],
        ["checkpoint ls"] = ["checkpoint ls web"],
        ["checkpoint rm"] = ["checkpoint rm web before"],
        ["restore"] = ["restore web before"],
        ["ps"] = ["ps -a", "ps -q --filter status=exited", "ps -s", "ps --format 'table {{.ID}}\\t{{.Status}}\\t{{.Command}}'"],
        ["logs"] = ["logs -f --tail 100 web", "logs -t --since 10m --until 2m web"],
        ["cp"] = ["cp web:/etc/nginx ./nginx", "cp -a site/. web:/srv/www", "cp web:/var/log -"],
        ["diff"] = ["diff web"],
        ["export"] = ["export -o web.tar web"],
        ["top"] = ["top web", "top web -o pid,rss,args"],
        ["stats"] = ["stats", "stats --no-stream web db", "stats -a --format 'table {{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}'"],
        ["update"] = ["update -m 128m --cpus 1.5 web"],
        ["kill"] = ["kill web", "kill -HUP web", "kill -s KILL --all web"],
        ["rm"] = ["rm job", "rm -f web db"],
        ["wait"] = ["wait job"],
        ["inspect"] = ["inspect web", "inspect --format '{{.Task.Pid}}' web"],
        ["pull"] = ["pull nginx", "pull --platform linux/arm64 registry.example/tool:1.2"],
        ["push"] = ["push registry.example/tool:1.2"],
        ["images"] = ["images", "images -q nginx", "images --format '{{.Repository}}:{{.Tag}} {{.Size}}'"],
        ["tag"] = ["tag nginx registry.example/web:1"],
        ["rmi"] = ["rmi nginx", "rmi -f 3f4e5a6b7c8d"],
        ["load"] = ["load -i images.tar"],
        ["save"] = ["save -o images.tar nginx redis:7"],
        ["history"] = ["history nginx"],
        ["image"] = ["image inspect nginx", "image prune -a"],
        ["image inspect"] = ["image inspect nginx", "image inspect -f '{{.Architecture}}' nginx"],
        ["image prune"] = ["image prune -a", "image prune -a -f"],
        ["login"] = ["login registry.example", "login -u name --password-stdin registry.example"],
        ["logout"] = ["logout registry.example"],
        ["events"] = ["events", "events --since 1h --filter event=die", "events --from 1 --format json"],
        ["info"] = ["info", "info --format '{{.Running}}'"],
        ["version"] = ["version", "version --format '{{.Client.Version}}'"],
        ["doctor"] = ["doctor", "doctor --root /var/lib/two --state /run/two"],
        ["completion"] = ["completion bash", "completion fish"],
        ["man"] = ["man /usr/local/share/man/man1"],
        [""] = ["run --rootfs / -- echo hello", "help run"],
    };

    /// <summary>Of a verb, without the program's name.</summary>
    /// <param name="verb">Empty for the program itself.</param>
    public static IReadOnlyList<string> Of(string verb) => ByVerb.GetValueOrDefault(verb) ?? [];
}
