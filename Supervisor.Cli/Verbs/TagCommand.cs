using System.CommandLine;
using Containerd.Services.Images.V1;
using Grpc.Core;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor tag</c>: a further name for an image.</summary>
internal static class TagCommand
{
    public static Command Create()
    {
        var image = RegistryOptions.Image();
        image.Description = "NAME[:TAG], or the beginning of an id";
        var name = new Argument<string>("name") { Description = "The further NAME[:TAG]" };
        var command = new Command("tag", "Gives an image a further name") { image, name };
        command.Does(async (parse, client, cancel) =>
        {
            var target = ImageLookup.Name(parse.GetRequiredValue(name));
            if (target.Digest.Length > 0) throw new CliException(
                $"{target}: a name with a digest cannot be given: write NAME:TAG");
            var found = ImageLookup.Find(await ImageLookup.AllAsync(client, cancel), parse.GetRequiredValue(image))[0];
            var further = new Image { Name = target.ToString(), Target = found.Target, Labels = { found.Labels } };
            try
            {
                await client.Images.CreateAsync(new CreateImageRequest { Image = further }, client.Call(cancel));
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists)
            {
                await client.Images.UpdateAsync(new UpdateImageRequest { Image = further }, client.Call(cancel));
            }
            return 0;
        });
        return command;
    }
}
