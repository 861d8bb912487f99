using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Supervisor.Tests.Compat.Grpc;

/// <summary>The published server and client name types and members of Grpc.Core.Api and Grpc.Net.Common: each must be there.</summary>
public sealed class BindingTests
{
    [Theory]
    [InlineData(typeof(GrpcServiceOptions))]
    [InlineData(typeof(GrpcChannel))]
    public void Every_member_that_a_published_assembly_binds_to_exists(Type inAssembly)
    {
        var offered = Offered(typeof(Status).Assembly.Location).Union(Offered(typeof(ICompressionProvider).Assembly.Location));
        var wanted = Wanted(inAssembly.Assembly.Location);
        Assert.True(wanted.Count > 40, $"only {wanted.Count} references found: the reader of this test is wrong");
        Assert.Equal([], wanted.Except(offered).Order());
    }

    [Theory]
    [InlineData(typeof(GrpcServiceOptions))]
    [InlineData(typeof(GrpcChannel))]
    public void The_identities_are_those_a_published_assembly_asks_for(Type inAssembly)
    {
        foreach (var name in inAssembly.Assembly.GetReferencedAssemblies().Where(a => a.Name!.StartsWith("Grpc.", StringComparison.Ordinal)))
        {
            var ours = Assembly.Load(new AssemblyName(name.Name!)).GetName();
            Assert.Equal(name.FullName, ours.FullName);
        }
    }

    private static HashSet<string> Wanted(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = file.GetMetadataReader();
        var names = new TypeNames(reader);
        var types = reader.TypeReferences.Where(names.IsGrpc).Select(names.Of).ToHashSet();
        var wanted = types.ToHashSet();
        foreach (var handle in reader.MemberReferences)
        {
            var member = reader.GetMemberReference(handle);
            var owner = member.Parent.Kind switch
            {
                HandleKind.TypeReference => names.Of((TypeReferenceHandle)member.Parent),
                HandleKind.TypeSpecification => names.Of((TypeSpecificationHandle)member.Parent).Split('<')[0],
                _ => "",
            };
            if (!types.Contains(owner)) continue;
            wanted.Add($"{owner}::{reader.GetString(member.Name)} " + (member.GetKind() == MemberReferenceKind.Method
                ? TypeNames.Text(member.DecodeMethodSignature(names, null)) : member.DecodeFieldSignature(names, null)));
        }
        return wanted;
    }

    private static HashSet<string> Offered(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = file.GetMetadataReader();
        var names = new TypeNames(reader);
        var offered = new HashSet<string>();
        foreach (var handle in reader.TypeDefinitions)
        {
            var type = reader.GetTypeDefinition(handle);
            var visibility = type.Attributes & TypeAttributes.VisibilityMask;
            if (visibility is not (TypeAttributes.Public or TypeAttributes.NestedPublic or TypeAttributes.NestedFamORAssem)) continue;
            var owner = names.Of(handle);
            offered.Add(owner);
            foreach (var methodHandle in type.GetMethods())
            {
                var method = reader.GetMethodDefinition(methodHandle);
                if ((method.Attributes & MethodAttributes.MemberAccessMask) is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem)
                    offered.Add($"{owner}::{reader.GetString(method.Name)} {TypeNames.Text(method.DecodeSignature(names, null))}");
            }
            foreach (var fieldHandle in type.GetFields())
            {
                var field = reader.GetFieldDefinition(fieldHandle);
                if ((field.Attributes & FieldAttributes.FieldAccessMask) == FieldAttributes.Public)
                    offered.Add($"{owner}::{reader.GetString(field.Name)} {field.DecodeSignature(names, null)}");
            }
        }
        return offered;
    }

    /// <summary>Signatures as text, without the assembly a type comes from, so that both sides read alike.</summary>
    private sealed class TypeNames(MetadataReader reader) : ISignatureTypeProvider<string, object?>
    {
        public static string Text(MethodSignature<string> s) =>
            $"{(s.Header.IsInstance ? "" : "static ")}<{s.GenericParameterCount}>({string.Join(", ", s.ParameterTypes)}) {s.ReturnType}";

        public bool IsGrpc(TypeReferenceHandle handle)
        {
            var scope = reader.GetTypeReference(handle).ResolutionScope;
            if (scope.Kind == HandleKind.TypeReference) return IsGrpc((TypeReferenceHandle)scope);
            return scope.Kind == HandleKind.AssemblyReference && reader.GetString(
                reader.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) is "Grpc.Core.Api" or "Grpc.Net.Common";
        }

        public string Of(TypeReferenceHandle handle)
        {
            var type = reader.GetTypeReference(handle);
            return type.ResolutionScope.Kind == HandleKind.TypeReference
                ? $"{Of((TypeReferenceHandle)type.ResolutionScope)}+{reader.GetString(type.Name)}"
                : $"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}";
        }

        public string Of(TypeDefinitionHandle handle)
        {
            var type = reader.GetTypeDefinition(handle);
            return type.GetDeclaringType() is { IsNil: false } outer
                ? $"{Of(outer)}+{reader.GetString(type.Name)}" : $"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}";
        }

        public string Of(TypeSpecificationHandle handle) => reader.GetTypeSpecification(handle).DecodeSignature(this, null);

        public string GetTypeFromReference(MetadataReader r, TypeReferenceHandle handle, byte rawTypeKind) => Of(handle);
        public string GetTypeFromDefinition(MetadataReader r, TypeDefinitionHandle handle, byte rawTypeKind) => Of(handle);
        public string GetTypeFromSpecification(MetadataReader r, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
            Of(handle);
        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(",", typeArguments)}>";
        public string GetGenericMethodParameter(object? context, int index) => $"!!{index}";
        public string GetGenericTypeParameter(object? context, int index) => $"!{index}";
        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{shape.Rank}]";
        public string GetSZArrayType(string elementType) => $"{elementType}[]";
        public string GetByReferenceType(string elementType) => $"{elementType}&";
        public string GetPointerType(string elementType) => $"{elementType}*";
        public string GetPinnedType(string elementType) => elementType;
        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;
        public string GetFunctionPointerType(MethodSignature<string> signature) => "function pointer";
        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();
    }
}
